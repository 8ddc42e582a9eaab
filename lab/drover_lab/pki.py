"""Certificates made on the spot: one authority per lab, ECDSA P-256 throughout.

In the lab's directory pki/NAME.pem and pki/NAME.key for every program and person, ca.pem, and the seal pair seal.key
(only control has it) and seal.pub (every host checks with it). Each node's /etc/drover/pki holds what belongs there.
Keys are readable by root alone; a daemon of another uid gets its key by Lab.give().
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from .spec import MGMT, Spec
from .util import run

DAYS = "30"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
# libvirt 9.0 insists on keyEncipherment, though it means nothing for EC keys.
LEAF = ("keyUsage=critical,digitalSignature,keyEncipherment", "extendedKeyUsage=serverAuth,clientAuth",
        "basicConstraints=critical,CA:FALSE")
AUTHORITY = ("keyUsage=critical,keyCertSign,cRLSign",)
AT_MGMT = ("mapd", "control", "operator", "sensor")


class Authority:
    """A certificate authority in a directory of its own."""

    def __init__(self, directory: Path, name: str = "drover lab CA") -> None:
        self.dir = directory
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not (directory / "ca.key").exists():
            self._request("ca", name, ["basicConstraints=critical,CA:TRUE", *AUTHORITY], ())

    def issue(self, file: str, common_name: str, names: Sequence[str] = ()) -> tuple[Path, Path]:
        """Certificate and key for COMMON_NAME; NAMES as OpenSSL writes them: "DNS:x", "IP:1.2.3.4"."""
        extensions = [*LEAF, *([f"subjectAltName={','.join(names)}"] if names else [])]
        ca = ("-CA", str(self.dir / "ca.pem"), "-CAkey", str(self.dir / "ca.key"))
        return self._request(file, common_name, extensions, ca)

    def seal_pair(self) -> None:
        key = str(self.dir / "seal.key")
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key])
        Path(key).chmod(0o600)
        run(["openssl", "pkey", "-in", key, "-pubout", "-out", str(self.dir / "seal.pub")])

    def _request(self, file: str, common_name: str, extensions: Sequence[str],
                 signer: Sequence[str]) -> tuple[Path, Path]:
        certificate, key = self.dir / f"{file}.pem", self.dir / f"{file}.key"
        added = [word for e in extensions for word in ("-addext", e)]
        run(["openssl", "req", "-x509", *NEW_KEY, "-config", "/dev/null", "-subj", f"/O=drover/CN={common_name}",
             "-days", DAYS, "-keyout", str(key), "-out", str(certificate), *signer, *added])
        key.chmod(0o600)
        certificate.chmod(0o644)
        return certificate, key


def issue_all(directory: Path, spec: Spec, uuids: Mapping[str, str]) -> None:
    """Everything that the programs of a lab need; UUIDS of hosts by name, for the map's rules."""
    authority = Authority(directory)
    authority.seal_pair()
    mgmt = spec.node(MGMT)
    assert mgmt is not None
    names = {"mapd": ["DNS:mapd", "DNS:mgmt", "DNS:localhost", f"IP:{mgmt.address}", "IP:127.0.0.1"]}
    for name in AT_MGMT:
        authority.issue(name, name, names.get(name, ()))
    for host in spec.hosts():
        names_of_host = [f"DNS:{host.name}", f"IP:{host.address}", f"URI:urn:uuid:{uuids[host.name]}"]
        authority.issue(f"agent-{host.name}", f"agent-{host.name}", names_of_host)


def distribute(directory: Path, name: str, hypervisor: bool, target: Path) -> None:
    """Copy to a node's /etc/drover/pki what belongs there."""
    files = ["ca.pem", "seal.pub"]
    holders = [f"agent-{name}"] if hypervisor else list(AT_MGMT) if name == MGMT else []
    files += [f"{h}{suffix}" for h in holders for suffix in (".pem", ".key")]
    files += ["seal.key"] if name == MGMT else []
    target.mkdir(mode=0o755, parents=True, exist_ok=True)
    for file in files:
        shutil.copy(directory / file, target / file)
