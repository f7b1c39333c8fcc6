"""HAProxy with the file that is shipped, configs/haproxy/haproxy.cfg: only the places and
the server's address are put in, as an operator does."""
import os
import pathlib
import shutil
import socket
import subprocess

SHIPPED = (pathlib.Path(__file__).resolve().parents[2] /
           "configs" / "haproxy" / "haproxy.cfg")
# Debian's is in sbin, which is not on everybody's PATH.
HAPROXY = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")


def make_certificate(directory):
    """A certificate for this machine's names, its own CA, and both with the key."""
    certificate, key = directory / "tls.crt", directory / "tls.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec",
         "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", key, "-out", certificate], check=True, capture_output=True)
    both = directory / "taud.pem"
    both.write_text(certificate.read_text() + key.read_text())
    return certificate, both


def shipped_with(places):
    """The shipped text; what `places` names must be in it."""
    text = SHIPPED.read_text()
    for old, new in places.items():
        assert old in text, f"{old} is not in {SHIPPED}"
        text = text.replace(old, str(new))
    if os.geteuid() != 0:  # only root may change these
        text = "".join(
            line for line in text.splitlines(True)
            if not line.strip().startswith(("chroot ", "user ", "group ")))
    return text


class ProxyProcess:
    """Runs from the constructor to stop(); a context. Clients may connect at once: the
    socket listens before HAProxy runs, which takes it over. In `directory`, certificate
    and key are made; `ca` vouches for it."""

    def __init__(self, directory, taud_address):
        self.ca, both = make_certificate(directory)
        self.log = directory / "haproxy.log"
        config = directory / "haproxy.cfg"
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener, \
                open(self.log, "w") as log:
            self.port = listener.getsockname()[1]
            config.write_text(shipped_with({
                "bind :443": f"bind fd@{listener.fileno()}",
                "/etc/haproxy/taud.pem": both,
                "127.0.0.1:50051": taud_address,
                "/run/haproxy/admin.sock": directory / "admin.sock"}))
            self.process = subprocess.Popen(
                [HAPROXY, "-db", "-f", config], stdout=log, stderr=log,
                pass_fds=[listener.fileno()])

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
