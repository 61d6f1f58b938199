"""JSON schemas for kubeconform, made of what Kubernetes' own source says of its API.

Nobody is asked for a schema while a test runs: the source is a Go module like any other, pinned like the programs.
"""
import json

import go_programs

KUBERNETES = go_programs.Program("k8s.io/kubernetes", "v1.37.1", "h1:LTUzSbp9n0W7649oVKBYfC48zcoD3vCk++1PZQn28q8=")
DEFINITIONS = "#/definitions/"
# Which the API describes as strings, and takes as numbers too.
LOOSE = {"io.k8s.apimachinery.pkg.util.intstr.IntOrString": "integer",
         "io.k8s.apimachinery.pkg.api.resource.Quantity": "number"}


def references(part):
    """The names of the definitions that a part of a schema speaks of."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"].removeprefix(DEFINITIONS)
        part = part.values()
    for inner in part if not isinstance(part, (str, int, float, type(None))) else ():
        yield from references(inner)


def needed(name, definitions):
    """A definition and all that it speaks of, directly or not."""
    found, waiting = {}, [name]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found[current] = definitions[current]
            waiting += references(definitions[current])
    return found


def strict(name, definition):
    """The same definition, which allows no keys but its own."""
    if name in LOOSE:
        return {"type": ["string", LOOSE[name]]}
    if "properties" in definition:
        return definition | {"additionalProperties": False}
    return definition


def write(folder, kinds):
    """Writes a schema for each (group, version, kind), and returns the place as kubeconform wants to have it.

    Raises go_programs.Unavailable.
    """
    source = go_programs.download(KUBERNETES) / "api" / "openapi-spec" / "swagger.json"
    definitions = json.loads(source.read_text())["definitions"]
    for name, definition in definitions.items():
        for is_a in definition.get("x-kubernetes-group-version-kind", []):
            if (is_a["group"], is_a["version"], is_a["kind"]) in kinds:
                parts = needed(name, definitions)
                schema = {"$ref": DEFINITIONS + name,
                          "definitions": {each: strict(each, parts[each]) for each in parts}}
                group = f"{is_a['group'].split('.')[0]}-" if is_a["group"] else ""
                file = f"{is_a['kind'].lower()}-{group}{is_a['version']}.json"
                (folder / file).write_text(json.dumps(schema))
    return f"{folder}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
