// The history as columns for plots. Pure.
import type { Decision, History } from './types';
import { num } from './format';

export class Series {
  private figures: string[] = [];
  private rows: (number | null)[][] = [];

  // The daemon thins what is old; so does this, to its bound.
  constructor(private readonly most = 10000) {}

  // Where to go on from.
  get last_ms(): number {
    return this.rows.at(-1)?.[0] ?? 0;
  }

  get size(): number {
    return this.rows.length;
  }

  add(history: History): void {
    if (history.figures.join() !== this.figures.join()) {
      this.figures = history.figures;
      this.rows = [];
    }
    for (const row of history.samples) {
      if ((row[0] ?? 0) > this.last_ms) this.rows.push(row);
    }
    if (this.rows.length > this.most) this.rows = this.rows.slice(-this.most);
  }

  // [times in seconds, then each figure], from `from_ms` on. Where the daemon
  // was away for longer than two minutes the lines are interrupted.
  columns(names: string[], from_ms: number): (number | null)[][] {
    const places = names.map((name) => this.figures.indexOf(name) + 1);
    const columns: (number | null)[][] = names.map(() => []);
    const times: number[] = [];
    let before = 0;
    for (const row of this.rows) {
      const time = row[0] ?? 0;
      if (time < from_ms) continue;
      if (before > 0 && time - before > 120000) {
        times.push((before + time) / 2000);
        columns.forEach((column) => column.push(null));
      }
      before = time;
      times.push(time / 1000);
      columns.forEach((column, i) => {
        const place = places[i] ?? 0;
        column.push(place > 0 ? row[place] ?? null : null);
      });
    }
    return [times, ...columns];
  }

  latest(name: string): number {
    const place = this.figures.indexOf(name) + 1;
    const value = place > 0 ? this.rows.at(-1)?.[place] : null;
    return value ?? NaN;
  }
}

export interface Mark { time_s: number; kind: string; version: number; text: string }

export function marks(decisions: Decision[]): Mark[] {
  return decisions.map((d) => ({
    time_s: num(d.time_ms) / 1000, kind: d.kind, version: num(d.version), text: d.text,
  }));
}

// Which decisions somebody has to look at.
export function isAlarm(kind: string): boolean {
  return kind === 'KIND_REJECTED' || kind === 'KIND_ROLLED_BACK_AUTOMATICALLY' ||
    kind === 'KIND_FORCED';
}

// A plot in a sentence: for each line what it is now, and its range.
export function describe(
  title: string, names: string[], columns: (number | null)[][], spell: (v: number) => string,
): string {
  const parts: string[] = [];
  names.forEach((name, i) => {
    const known = (columns[i + 1] ?? []).filter((v): v is number => v !== null);
    const last = known.at(-1);
    if (last === undefined) return;
    const least = known.reduce((a, b) => Math.min(a, b));
    const most = known.reduce((a, b) => Math.max(a, b));
    parts.push(`${name} ${spell(last)} now, between ${spell(least)} and ${spell(most)}`);
  });
  return parts.length === 0 ? `${title}: nothing known yet` : `${title}: ${parts.join('; ')}`;
}
