#!/usr/bin/env python3
"""Writes what taud is made of and stands on as SPDX 2.3 (JSON), from what is
installed: names, versions and package URLs as scanners of vulnerabilities take
them.

usage: sbom.py VERSION CREATED LOCK OUT PROGRAM …
       sbom.py VERSION CREATED LOCK OUT --image ROOT

  VERSION   of taud
  CREATED   the date of what is described, 2026-11-27 or with a time
  LOCK      package-lock.json of the dashboard, which is compiled in
  OUT       where to
  PROGRAM   names the Debian packages of the shared libraries that it was linked
            with, as dpkg knows them on this machine
  ROOT      the file system of an image: names all Debian packages in it

Both name the Debian packages that are compiled in, of this machine: run it where
taud was built. Where there is no dpkg the libraries have no versions.
"""
import hashlib
import json
import pathlib
import re
import subprocess
import sys

# Archives and headers that are in the programs (NOTICE), by Debian's package.
COMPILED_IN = ("libcli11-dev", "libfaiss-dev", "librocksdb-dev",
               "libxxhash-dev", "nlohmann-json3-dev")
NAMESPACE = "https://taud.example/spdx/"


def run(*command):
    try:
        return subprocess.run(command, check=False, capture_output=True,
                              text=True).stdout
    except FileNotFoundError:
        return ""


def installed(root):
    """(name, version, architecture) of the packages in a dpkg database."""
    for entry in (root / "var/lib/dpkg/status").read_text().split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", entry, re.M))
        if fields.get("Status", "").endswith(" installed"):
            yield fields["Package"], fields["Version"], fields["Architecture"]


def distribution(root):
    """As package URLs name it, debian-12."""
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$',
                              (root / "etc/os-release").read_text(), re.M))
    return release.get("ID", "linux"), release.get("VERSION_ID", "")


def linked(programs):
    """The packages of the shared libraries that the programs name."""
    paths = set()
    for program in programs:
        needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]",
                                run("readelf", "-dW", program)))
        found = re.findall(r"^\s*(\S+) => (\S+) ", run("ldd", program), re.M)
        paths |= {path for name, path in found if name in needed}
    # Debian has /lib as a link, and dpkg knows files by either name.
    tried = {path: {path, "/usr" + path, path.replace("/usr", "", 1),
                    str(pathlib.Path(path).resolve())} for path in paths}
    owners = dict(
        reversed(line.split(": ", 1)) for line in
        run("dpkg-query", "-S", *set().union(*tried.values())).splitlines())
    names = set()
    for path, variants in tried.items():
        owner = next((owners[v] for v in sorted(variants) if v in owners), None)
        names.add(owner.split(":")[0] if owner else pathlib.Path(path).name)
    return names


class Document:
    def __init__(self, version, created, what):
        self.packages, self.relationships = [], []
        if "T" not in created:
            created += "T00:00:00Z"
        self.text = {
            "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT", "name": f"{what}-{version}",
            "creationInfo": {"created": created,
                             "creators": ["Organization: taud developers",
                                          "Tool: taud-sbom"]},
            "packages": self.packages, "relationships": self.relationships}

    def add(self, name, version, url="", licence="NOASSERTION"):
        key = re.sub(r"[^A-Za-z0-9.-]", "-", f"SPDXRef-{name}-{version}")
        package = {"SPDXID": key, "name": name,
                   "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
                   "licenseConcluded": "NOASSERTION",
                   "licenseDeclared": licence,
                   "copyrightText": "NOASSERTION"}
        if version:
            package["versionInfo"] = version
        if url:
            package["externalRefs"] = [
                {"referenceCategory": "PACKAGE-MANAGER",
                 "referenceType": "purl", "referenceLocator": url}]
        if all(p["SPDXID"] != key for p in self.packages):
            self.packages.append(package)
        return key

    def add_debian(self, name, version, architecture, where):
        vendor, release = where
        # A package URL has no + and ~ but as %2B, and ~ as it is.
        number = version.replace("+", "%2B").replace(":", "%3A")
        return self.add(name, version,
                        f"pkg:deb/{vendor}/{name.replace('+', '%2B')}@{number}"
                        f"?arch={architecture}&distro={vendor}-{release}")

    def relate(self, one, kind, other):
        relationship = {"spdxElementId": one, "relationshipType": kind,
                        "relatedSpdxElement": other}
        if relationship not in self.relationships:
            self.relationships.append(relationship)

    def write(self, path):
        digest = hashlib.sha256(json.dumps(self.packages).encode()).hexdigest()
        self.text["documentNamespace"] = (
            NAMESPACE + f"{self.text['name']}-{digest[:32]}")
        pathlib.Path(path).write_text(json.dumps(self.text, indent=1) + "\n")


def main():
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    version, created, lock, out = sys.argv[1:5]
    image = sys.argv[5] == "--image"
    here = pathlib.Path("/")
    known = {}
    if (here / "var/lib/dpkg/status").exists():
        known = {name: (name, number, architecture, distribution(here))
                 for name, number, architecture in installed(here)}
    document = Document(version, created, "taud-image" if image else "taud")

    def add(name):
        return (document.add_debian(*known[name]) if name in known
                else document.add(name, ""))

    taud = document.add("taud", version, f"pkg:generic/taud@{version}",
                        "Apache-2.0")
    document.relate("SPDXRef-DOCUMENT", "DESCRIBES", taud)
    for name in COMPILED_IN:
        document.relate(taud, "STATIC_LINK", add(name))
    for path, package in json.loads(
            pathlib.Path(lock).read_text())["packages"].items():
        if path and not package.get("dev"):
            name = path.rpartition("node_modules/")[2]
            document.relate(taud, "CONTAINS", document.add(
                name, package["version"],
                f"pkg:npm/{name.replace('@', '%40')}@{package['version']}",
                package.get("license", "NOASSERTION")))
    if image:
        root = pathlib.Path(sys.argv[6])
        whole = document.add("taud-image", version)
        document.relate("SPDXRef-DOCUMENT", "DESCRIBES", whole)
        document.relate(whole, "CONTAINS", taud)
        where = distribution(root)
        for name, number, architecture in installed(root):
            if name != "taud":
                document.relate(whole, "CONTAINS", document.add_debian(
                    name, number, architecture, where))
    else:
        libraries = sorted(linked(sys.argv[5:]))
        if not libraries:
            sys.exit("readelf and ldd name no library of the programs: are "
                     "both installed, and are these programs of this machine?")
        for name in libraries:
            document.relate(taud, "DYNAMIC_LINK", add(name))
    document.write(out)


if __name__ == "__main__":
    main()
