// Documents that docker/libtrust itself signed, and a key as it writes one.
#pragma once

#include <string>

namespace berth::test {

// One payload, signed with ES256, ES384, ES512, RS256, RS384 and RS512.
inline const std::string signed_with_all = R"json({
   "schemaVersion": 1,
   "name": "a/b",
   "tag": "t",
   "architecture": "amd64",
   "fsLayers": [],
   "history": [],
   "signatures": [
      {
         "header": {
            "jwk": {
               "crv": "P-256",
               "kid": "4LHY:K3H7:NUIA:TZ4W:KZZO:ZHIH:K7BX:QPM4:YLPS:CXHZ:AAPX:RDXW",
               "kty": "EC",
               "x": "jIjNSmG4_MvztPoUyXQGIw4Y4OePTP3ca5hLzZKtDlk",
               "y": "xdiQC_smP89KGXg0tAxUcYnMyWspo9qX8zcXUothCQQ"
            },
            "alg": "ES256"
         },
         "signature": "frkygvA0srHM_QDDExTUjXir6T0QqwHaFbkTY86rDZPty2E6ZCXYfE61fsljPBZY5JDwMcWyzdHb7gQvM4ZCcg",
         "protected": "eyJmb3JtYXRMZW5ndGgiOjEyMSwiZm9ybWF0VGFpbCI6IkNuMCIsInRpbWUiOiIyMDI2LTExLTIzVDIyOjI5OjIyWiJ9"
      },
      {
         "header": {
            "jwk": {
               "crv": "P-521",
               "kid": "GESH:G42T:RZDM:CL33:23N5:PB52:JMXZ:Q2ML:QHE6:LIQN:5BGA:3SBJ",
               "kty": "EC",
               "x": "AILaiF3lxTzI7_EJr8kg63G-n4G1oJ_PjNVa9FFCMwrv1oU9tQT4A9dkgwutKJ7-EwfzBHuT7eB-FbaaiNFCUmCh",
               "y": "AUHDF6JOa-t3-izGGjXqZGqdptKJt0Q6J8BIxvL7xoXl8Rustof5VuacvP6A-WqvG17WUyZanoxgdC2kid8DpXmD"
            },
            "alg": "ES512"
         },
         "signature": "AUfW-FjQtwCj4NmdbeKPFORKSPgjXbucFnBNBN0mL4LHLD8ZyyM1TYWTbWt94DK3DTwn-fio8Gov4jqB64CVwPwVAC9cVKUoku8US8iOEHv0AsNZHhyC1D7hmDLd-C7vSZsONuGopQ0iILrTk0-E8H-Vq2ihLV6lt9cP0y4mswTDEJJp",
         "protected": "eyJmb3JtYXRMZW5ndGgiOjEyMSwiZm9ybWF0VGFpbCI6IkNuMCIsInRpbWUiOiIyMDI2LTExLTIzVDIyOjI5OjIyWiJ9"
      },
      {
         "header": {
            "jwk": {
               "e": "AQAB",
               "kid": "KJLM:RTR5:XSZ4:RIYV:7DZ2:F3UK:7SN5:5PRI:EYP7:HB5E:FTR2:LCRP",
               "kty": "RSA",
               "n": "0S5KjiHury73Vst9Hfwa5YH9wX3ZfIHNl66wDWAlc_Vcw0vDX2E_S8F3aYfznE2gslt_2q04Otw7pzpLZub2zjrAit-duIaOQ4M1YtUjSdAciqkzk_r2kzbvzCn2f_qdrRb1miAYhaKtTKvAj_8ifsSkVbcPXA7qXX22-FP4VPeuN5CIShqk3-9BA7hTBEQmf0Y0gOQ7kzS2dwd5-D4CZvGZtCLe9SH-fmAiBsPqRFpVNtb4bSiE9aYDdK8VIGyRij9EHB6TyCwaBi-DJwozx3jotnf3ro7W2PmywXa1egeAoRuFKgYhN-pWTBsZY_G8oOyVhDQeYLjrEGOIleK_zQ"
            },
            "alg": "RS256"
         },
         "signature": "oy84S6LEQVCkbMc0JC9uheJuSxPzHOTRx0NYsVwKEGbfPu374uYediFp9l-pz6oVT-RF3kS-CSCqSPJvu2Qk59mSTxDfnyRDhY6ahXMhjC90NDkVaMGwWJYdtO3IacP7jVNBE2CU6fvAb1-XNz8D3oB8MqDK7ohe1D5DVTfjhII7D19uIFg4IMTNSvOI33ZeWl9OCTopyblxGef8l8ZedgLdg2buZI3vnELXuME0x8Ir16dj4VrUe9jA3eYiRgs87tWH1wCUfM3DmwEX0bHa31cIsDXbeK8hMUfdwB-PgMx2d4FlJkHGf6KyjnRBBUTgHohT43CxiUsZc4lN3--vHw",
         "protected": "eyJmb3JtYXRMZW5ndGgiOjEyMSwiZm9ybWF0VGFpbCI6IkNuMCIsInRpbWUiOiIyMDI2LTExLTIzVDIyOjI5OjIyWiJ9"
      },
      {
         "header": {
            "jwk": {
               "crv": "P-384",
               "kid": "MPFG:H7HE:774O:WHSQ:5ZOB:2ZXD:NBPQ:IH54:7E2J:A6DR:6HRG:LUQX",
               "kty": "EC",
               "x": "6isCurVoITDpfYtn-8A0ttcSpMiUfAgOz0JQ3S7Eg5GS0yqF7Myg686DuopnM24M",
               "y": "6_7feRKrs6FKrsK5DdMteScjX37ybhtfG-f5O0rw3vv1q4Wwc5EGUvi_Wpxozwjg"
            },
            "alg": "ES384"
         },
         "signature": "KThOzB8fipCvMFeH3VYM3cZwWZ4e1ig9vj4J-K2dPPWOc9x_UV2hK-NolvGPKCj9VBP5_tmre6GCUDAwfdRtH07LbLasBBAZYLuGu2R76gn1a5wNCizMvdGA4U0Fjyst",
         "protected": "eyJmb3JtYXRMZW5ndGgiOjEyMSwiZm9ybWF0VGFpbCI6IkNuMCIsInRpbWUiOiIyMDI2LTExLTIzVDIyOjI5OjIyWiJ9"
      },
      {
         "header": {
            "jwk": {
               "e": "AQAB",
               "kid": "SFNJ:K34D:SAZ6:Q4JA:24Q7:S7VA:BS27:RGIC:HJ5B:TDLY:TQC5:DOLR",
               "kty": "RSA",
               "n": "ts5_ZK3cLbUjlF80V33S9_SftxYQKNmhcyUusmDp7ZdQukS2-oAw3eQYGP1KkrfPbRz5B6OsP2kd3D-kzpM38b9au7vNNTjTCCZ8hCL2F-4rpV25CLYrqbT6kDOmXZXnojl4jSEHDb9qROu-QdLtZUlVYV4F23yQX7SbBU4dChLIgFOu4Ku3qzcAoN9z3wPDl0nz-CSdsp8yp6zyLnXuDJb9sziCnBu4ikwLfBoelbq_8aKSzeZCvASPt3TvWtjAnM7TtYuwfFyAcBAD9VkbWsM1R5yHuakSZiTio3SF2cO9MKJmgyfNSpFXq627ON0f6_fiZvgSBy5H6kpYxmNtdpyIAcLx_rbZFmhz9vPt0FFK0UBPLGFtvOteJwhL2eZjoxphCpicX2hoNQoyC7T87sih2NloXcw8Wn4Nr8zi97ufaqMU9AJzBjh4sVJfwUPUpQhbLMwVEr51QG2bOHPtrZaA9jguNVpnf5fTmQQRoWk97SagLIg4VRYMpINHcVg9"
            },
            "alg": "RS512"
         },
         "signature": "lvWdu_JDmMtACII4Vuj0tucIXCzgNgNtjb-CUC5SNas87xpyGUXGkaCLsbjg4mWXU3VMkpoH1qBBDuisJ4DMj2kLL0XA9cAZehxec_H5mPZsHX4rIT0mTffCPO6hx1NggmNFjQt0Mse_iXQfB4I8eBS-Flxe6Tg8WykVyIujhgG2DEV3OQbqAhRGvxLWOzyFcgdiVrnsB4uX3dN4XK7pHWx9wozXF9nSkP_23EsN_0Z-LHMnl7ndLSEYjm_gYO63OCsdvbKF_7ijGKpyb_AsR6AX0lbaTnD7QIEwnThRHccQ5JLtCq700Kbua98jKPGOMkbfyQj3MbJ6kjoLPJs7ATjMvYRSm1t1282SX6wbZkdLnIfOHro3v6yjE5nABvX4thq3mCbHQjufATUghfwX6ozl-VWlRG3-buciHwbYqfQhUKrMeQVXuu15Rb3CJZLPda0a3Y1phn-wBZbiq17-dn-h6anzVszOg1BKg2xNS4P8D-ZxmIChR067NFMfAxvv",
         "protected": "eyJmb3JtYXRMZW5ndGgiOjEyMSwiZm9ybWF0VGFpbCI6IkNuMCIsInRpbWUiOiIyMDI2LTExLTIzVDIyOjI5OjIyWiJ9"
      },
      {
         "header": {
            "jwk": {
               "e": "AQAB",
               "kid": "WQZC:35NV:GFXS:N35W:HGDP:WO46:BRT3:4FDE:LKDY:2X74:BC6E:TPKR",
               "kty": "RSA",
               "n": "nSgq-8ob4lSSvuBOSIrOnaaVqtsLs3qR8SypvjaR-HhSjQwgiwzcWwWnYK0etw2aiKN_9GNWO6ohv2AzuHxOyQpRG_xucd9RcksUfr0sBodd1g6g6G1DuieQZJ8Uz7UNYcfLCmRUes44swLlne4K6oZ3MxL9ZvhyGi38TKjyGaRpmYu3LsEpcs6DQWX4pHSH_W-cVr_aeg7iXilk370BW4JnwjPLK_gGY4pB4OO9p5PauPnzw7La3A56UAxXtJA-Ki7ONBlz-m34vJrcxn9DSbsJn7sMXG6GDescVia4w5RodtSNbJHXFb-gkuyQABnJP9dXab7tVoeAEKkuCP7WCQ"
            },
            "alg": "RS384"
         },
         "signature": "UEKpiDAyvPqCNGDWDOwsnTPsEpd5IU1AIpr1dwwA9MxnVBer9yhOeUaisM_94B5RcUQe27aLxJiliI0X5Kbxbs4tox0FDGtdsvtNmh-YoiHRB0K4SPA_Yk4tEkJfsGkMRibLv1QZ13VXnoApiqGgQ7IrZzwkD8yXiBP6B4I7Ft_b2vSJiSjj9pxL4zVXz3ZcwFBa1bnup8GKSicJg6pHQ7TcN2iNO4EhxNusMTgpXM96Em8bGFblkIm8QrfggntqGs0BFrJmMhBlIrj36pMEQeDKRNNX6TNtuCAqlDe_3_akkznvd25O67HVpu_8ZueR56sEUZ0vwKh3O3ENX7XwoA",
         "protected": "eyJmb3JtYXRMZW5ndGgiOjEyMSwiZm9ybWF0VGFpbCI6IkNuMCIsInRpbWUiOiIyMDI2LTExLTIzVDIyOjI5OjIyWiJ9"
      }
   ]
})json";

// The certificate of the key (x5c) in place of a JWK.
inline const std::string signed_with_certificate = R"json({
   "schemaVersion": 1,
   "name": "a/b",
   "tag": "t",
   "architecture": "amd64",
   "fsLayers": [],
   "history": [],
   "signatures": [
      {
         "header": {
            "alg": "ES256",
            "x5c": [
               "MIIBqzCCAVGgAwIBAgIBADAKBggqhkjOPQQDAjBGMUQwQgYDVQQDEztZNzRTOkdJU1A6SjJGNTpWUFBFOlJISTQ6VlhFUDo3RzVGOkVCVkY6Q0pCQjpLN0o1OlRUUlg6SzZPMjAeFw0yNjExMTYyMjMwMTlaFw0zNjExMjAyMjMwMTlaMEYxRDBCBgNVBAMTO1k3NFM6R0lTUDpKMkY1OlZQUEU6UkhJNDpWWEVQOjdHNUY6RUJWRjpDSkJCOks3SjU6VFRSWDpLNk8yMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEbiv2w3SxZR9OEAw/mZf0Qxr/Cn4LhUGdr6JKtJz0IKya6IIwW9ZMxdDKhfTYoPQ6kXtQ8UpYANzwBub9SfmFdqMwMC4wEwYDVR0lBAwwCgYIKwYBBQUHAwEwFwYDVR0RBBAwDoIMZXhhbXBsZS50ZXN0MAoGCCqGSM49BAMCA0gAMEUCIETlpVag27SudlXeKqGF1LkDgoQ2FXypEhXHwafCqLNkAiEA9FiEJz/PYrVMVry0m06CoPi+4O1oZPVIOP92Rxq46To="
            ]
         },
         "signature": "9FyeZ5mMEBUaJDP16gB9U96x9R1t3Uraivh9NHKV9ruEU4OJljnch0fc2Z9J9uhF_cFkJdsdUXmZQqUhRk3qKQ",
         "protected": "eyJmb3JtYXRMZW5ndGgiOjEyMSwiZm9ybWF0VGFpbCI6IkNuMCIsInRpbWUiOiIyMDI2LTExLTIzVDIyOjMwOjE5WiJ9"
      }
   ]
})json";

// A payload without line breaks.
inline const std::string signed_compact =
    R"json({"schemaVersion":1,"name":"a/b","tag":"t","architecture":"amd64","fsLayers":[],"history":[],"signatures":[{"header":{"jwk":{"crv":"P-256","kid":"YRVT:CPZ6:RLDR:BBDI:27HQ:E7MH:EJPE:2QJC:WAMQ:H7DJ:YFFH:CY2W","kty":"EC","x":"-2NLR22ZyXWATjRGa1DHwEY1Q5O0e8yrlH1Kx9GjB7Y","y":"47FbaC0TJWo0MkMPK4OdAF6SPqmsOjZTRdsNgthJWoQ"},"alg":"ES256"},"signature":"KcyWBy8LyU1kntvYUaayZKPOAwZP43qdfQ7vXfxmkh1mCfBeGJbdWN6mppAEO-LxfwMECMSPjZKTi8mdB8Adlg","protected":"eyJmb3JtYXRMZW5ndGgiOjkxLCJmb3JtYXRUYWlsIjoiZlEiLCJ0aW1lIjoiMjAyNi0xMS0yM1QyMjozMDoxOVoifQ"}]})json";

// For tests alone: it signs nothing anywhere.
inline const std::string libtrust_key = R"pem(-----BEGIN EC PRIVATE KEY-----
keyID: TOCZ:E3NU:ULTE:YBMP:6FHC:4PJK:NTYN:3L6S:B2JS:WG6K:3OHS:2ITE

MHcCAQEEIJUFq27uhGCWIi1jIMLMDVvma2QJ13p+fgCI4IQC3REjoAoGCCqGSM49
AwEHoUQDQgAEJx74kYQETbVgVN2seQ6pNyuS/0X7iPxY3Tzu0acq/Mcd6Eo4H8cc
cFjAnft6u+THIbmwCsMltFsgjGO/wmrZog==
-----END EC PRIVATE KEY-----
)pem";

} // namespace berth::test
