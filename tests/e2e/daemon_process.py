"""A real taud for tests in Python."""
import re
import subprocess
import threading

TIMEOUT = 60


class DaemonProcess:
    """Runs from the constructor, which returns when taud serves, to stop() or
    kill(). A context: stops at its end."""

    def __init__(self, binary, data_dir, *flags, grpc_port=0, env=None):
        self.process = subprocess.Popen(
            [binary, "--data-dir", data_dir,
             "--grpc-address", f"127.0.0.1:{grpc_port}",
             "--http-address", "127.0.0.1:0",
             "--set", "trainer.publish_interval_ms=200",
             "--set", "trainer.dim=16", "--set", "trainer.threads=1", *flags],
            stderr=subprocess.PIPE, text=True, env=env)
        self.log = []
        for line in self.process.stderr:
            self.log.append(line)
            for name in ("grpc_port", "http_port"):
                found = re.search(rf"{name}=(\d+)", line)
                if found:
                    setattr(self, name, int(found.group(1)))
            if line.rstrip().endswith(" serving"):
                break
        else:
            self.process.wait(timeout=TIMEOUT)
            raise RuntimeError("taud did not start:\n" + "".join(self.log))
        # The pipe is read on, so that it never fills up.
        self._drain = threading.Thread(target=self.process.stderr.read)
        self._drain.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.grpc_port}"

    def _end(self):
        code = self.process.wait(timeout=TIMEOUT)
        self._drain.join()
        self.process.stderr.close()
        return code

    def kill(self):
        """As a crash does: nothing of it runs any more."""
        self.process.kill()
        self._end()

    def stop(self):
        """Drains; the exit code."""
        self.process.terminate()
        return self._end()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
