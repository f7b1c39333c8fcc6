// A real taud, and what feeds it.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

const { TAUD, TAUCTL } = process.env;

export class Daemon {
  constructor(directory, ...args) {
    this.directory = directory;
    this.args = args;
    this.feeders = [];
  }

  // On free ports the first time, on the same ones after that.
  async start() {
    this.process = spawn(TAUD, [
      '--data-dir', this.directory,
      '--grpc-address', `127.0.0.1:${this.grpc ?? 0}`,
      '--http-address', `127.0.0.1:${this.http ?? 0}`,
      '--set', 'trainer.publish_interval_ms=500', '--set', 'trainer.dim=16',
      '--set', 'trainer.threads=1', '--set', 'store.snapshot_save_seconds=3',
      ...this.args,
    ], { stdio: ['ignore', 'ignore', 'pipe'] });
    const lines = createInterface({ input: this.process.stderr });
    await new Promise((resolve, reject) => {
      let log = '';
      lines.on('line', (line) => {
        log += line + '\n';
        const ports = /grpc_port=(\d+) http_port=(\d+)/.exec(line);
        if (ports) [this.grpc, this.http] = [Number(ports[1]), Number(ports[2])];
        if (/ serving$/.test(line)) resolve();
      });
      this.process.once('exit', () => reject(new Error('taud did not start:\n' + log)));
    });
    this.url = `http://127.0.0.1:${this.http}`;
  }

  async stop() {
    this.feeders.forEach((feeder) => feeder.kill());
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    await ended;
  }

  tauctl(...args) {
    const done = spawnSync(TAUCTL, ['--server', `127.0.0.1:${this.grpc}`, ...args], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`tauctl ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  }

  // Until the daemon stops.
  feed(...args) {
    this.feeders.push(spawn(TAUCTL, ['--server', `127.0.0.1:${this.grpc}`, ...args], { stdio: 'ignore' }));
  }
}
