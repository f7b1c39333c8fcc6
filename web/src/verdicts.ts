// What a status says at a glance. Pure.
import { ago, bytes, count, num, percent, seconds, short } from './format';
import type { Series } from './series';
import type { Problem, Status } from './types';

export type Level = 'good' | 'info' | 'warning' | 'critical' | 'unknown';

export function levelOf(problem: Problem): Level {
  switch (problem.severity) {
    case 'SEVERITY_CRITICAL': return 'critical';
    case 'SEVERITY_WARNING': return 'warning';
    default: return 'info';
  }
}

const ORDER: Level[] = ['good', 'info', 'warning', 'critical'];

export function headline(status: Status): { level: Level; text: string } {
  const problems = status.problems ?? [];
  let level: Level = 'good';
  for (const problem of problems) {
    const other = levelOf(problem);
    if (ORDER.indexOf(other) > ORDER.indexOf(level)) level = other;
  }
  if (status.summary) return { level, text: status.summary };
  // A daemon that says it in no line of its own.
  if (status.phase === 'DRAINING') return { level: 'warning', text: 'Stopping' };
  if (status.phase === 'STARTING') return { level: 'info', text: 'Reading the log' };
  if (status.log?.refusing) return { level: 'critical', text: 'Writes are refused: ' + status.log.refusing };
  if (status.trainer?.state === 'failed') {
    return { level: 'warning', text: 'Learning failed: ' + status.trainer.error };
  }
  if (!status.ready) {
    return { level: 'info', text: 'Waiting for the first interactions; nothing is recommended yet' };
  }
  return { level, text: 'Serving; nothing is wrong' };
}

function rate(value: number): string {
  return Number.isFinite(value) ? short(value) + '/s' : '–';
}

export interface Tile { name: string; value: string; detail: string }

export function tiles(status: Status, series: Series): Tile[] {
  const now = num(status.now_ms);
  const serving = status.serving;
  const log = status.log;
  const trainer = status.trainer;
  const quality = status.quality;
  const evaluated = num(quality?.events);
  const version = num(serving?.snapshot_version);
  const slow = series.latest('answer_p99_seconds');
  const lag = series.latest('serve_lag_seconds');
  const storage = status.storage;
  return [
    {
      name: 'Hit rate at 10',
      value: evaluated > 0 ? percent(quality?.hit_rate_10?.value ?? NaN) : '–',
      detail: evaluated > 0
        ? `popularity ${percent(quality?.popularity_hit_rate_10 ?? NaN)}` : 'not measured yet',
    },
    {
      name: 'Answers',
      value: rate(series.latest('answers_per_second')),
      detail: Number.isFinite(slow) ? `99 % within ${seconds(slow)}` : 'none just now',
    },
    {
      name: 'Interactions',
      value: rate(series.latest('interactions_per_second')),
      detail: `${short(num(log?.interactions))} in the log`,
    },
    {
      name: 'Freshness',
      value: Number.isFinite(lag) ? seconds(lag) : '–',
      detail: `${short(num(trainer?.backlog))} wait to be learnt`,
    },
    {
      name: 'Snapshot',
      value: version > 0 ? String(version) : 'none',
      detail: version > 0 ? `put in ${ago(num(serving?.last_swap_ms), now)}` : '',
    },
    {
      name: 'Learning',
      value: trainer?.state ?? '–',
      detail: trainer && trainer.epochs > 0 ? `${count(trainer.epochs)} passes, ${trainer.device}` : (trainer?.device ?? ''),
    },
    {
      name: 'Users and items',
      value: `${short(num(log?.users))} · ${short(num(log?.items))}`,
      detail: status.index?.kind ? `${status.index.kind.replace(/_/g, ' ')} index` : 'no index yet',
    },
    {
      name: 'Memory',
      value: bytes(num(serving?.resident_bytes)),
      detail: storage && num(storage.capacity_bytes) > 0
        ? `${bytes(num(storage.free_bytes))} of disk free` : '',
    },
  ];
}
