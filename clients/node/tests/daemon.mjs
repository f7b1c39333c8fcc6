// A taud of its own: started on a free port, stopped or killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export class Daemon {
  static async start(data, port = 0) {
    const daemon = new Daemon();
    daemon.process = spawn(process.env.TAUD, [
      '--data-dir', data, '--grpc-address', `127.0.0.1:${port}`, '--http-address', '127.0.0.1:0',
      '--set', 'trainer.publish_interval_ms=200', '--set', 'trainer.dim=16', '--set', 'trainer.threads=1',
    ], { stdio: ['ignore', 'ignore', 'pipe'] });
    daemon.ended = once(daemon.process, 'exit');
    let log = '';
    daemon.process.stderr.setEncoding('utf8');
    daemon.port = await new Promise((resolve, reject) => {
      daemon.process.stderr.on('data', (text) => {
        log += text;
        const listening = / grpc_port=(\d+)/.exec(log);
        if (listening) resolve(Number(listening[1]));
      });
      daemon.ended.then(() => reject(new Error(log)));
    });
    daemon.address = `127.0.0.1:${daemon.port}`;
    return daemon;
  }

  // Its exit code.
  async stop() {
    this.process.kill('SIGTERM');
    return (await this.ended)[0];
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.ended;
  }
}
