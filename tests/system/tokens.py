"""A token service of the tests (auth.token): a key, its certificate, and what it says its holders may do."""
import base64
import json
import subprocess
import time


class Keys:
    """An RSA key, its certificate in `bundle`, and tokens."""

    def __init__(self, folder):
        self.key, self.bundle = folder / "token.key", folder / "token.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tokens",
                        "-keyout", self.key, "-out", self.bundle], check=True, capture_output=True)
        self.bundle.chmod(0o644)
        self._certificate = "".join(self.bundle.read_text().splitlines()[1:-1])

    @staticmethod
    def _part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    def token(self, access, **claims):
        now = int(time.time())
        claims = {"iss": "issuer", "aud": "service", "sub": "carol", "nbf": now - 10, "exp": now + 300,
                  "access": access} | claims
        text = ".".join(self._part(json.dumps(part).encode())
                        for part in ({"alg": "RS256", "typ": "JWT", "x5c": [self._certificate]}, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=text.encode(),
                                   capture_output=True, check=True).stdout
        return f"Bearer {text}.{self._part(signature)}"

    def auth(self):
        """The section of config.yml that trusts it."""
        return {"token": {"realm": "https://r/", "service": "service", "issuer": "issuer",
                          "rootcertbundle": str(self.bundle)}}


def to(name, *actions):
    return {"type": "repository", "name": name, "actions": list(actions)}
