// Numbers, times and strangers' texts, for people. Pure.
import type { Int64 } from './types';

const NONE = '–';

export function num(value: Int64 | undefined): number {
  return value === undefined ? 0 : Number(value);
}

// 1234567 is 1,234,567; three significant digits below a hundred.
export function count(value: number): string {
  if (!Number.isFinite(value)) return NONE;
  if (Number.isInteger(value) || Math.abs(value) >= 100) {
    return Math.round(value).toLocaleString('en');
  }
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

// 12 300 is 12.3k.
export function short(value: number): string {
  if (!Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  for (const [unit, name] of [[1e9, 'G'], [1e6, 'M'], [1e4, 'k']] as const) {
    if (size < unit) continue;
    const scale = name === 'k' ? 1e3 : unit;
    return (value / scale).toLocaleString('en', { maximumSignificantDigits: 3 }) + name;
  }
  return count(value);
}

export function figure(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return NONE;
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(1);
  return value.toLocaleString('en', { maximumSignificantDigits: digits });
}

export function percent(share: number, digits = 1): string {
  if (!Number.isFinite(share)) return NONE;
  return (share * 100).toFixed(digits) + ' %';
}

export function bytes(value: number): string {
  if (!Number.isFinite(value)) return NONE;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) {
    value /= 1024;
    unit++;
  }
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 }) +
    ' ' + units[unit];
}

// Of a length of time.
export function seconds(value: number): string {
  if (!Number.isFinite(value)) return NONE;
  if (value === 0) return '0 s';
  if (value < 1e-3) return Math.round(value * 1e6) + ' µs';
  if (value < 1) return figure(value * 1e3) + ' ms';
  if (value < 90) return figure(value, 2) + ' s';
  if (value < 5400) return Math.round(value / 60) + ' min';
  if (value < 36 * 3600) return figure(value / 3600, 2) + ' h';
  return Math.round(value / 86400) + ' d';
}

export function ago(then_ms: number, now_ms: number): string {
  if (then_ms <= 0) return NONE;
  const passed = Math.max(0, (now_ms - then_ms) / 1000);
  return passed < 1 ? 'just now' : seconds(Math.floor(passed)) + ' ago';
}

export function clock(time_ms: number): string {
  return new Date(time_ms).toLocaleString('en-GB', {
    day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit',
  });
}

// A stranger's text as it may be shown: what cannot be seen, or turns the
// direction of what follows, is spelt out.
export function visible(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (c) => '⟨U+' + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0') + '⟩');
}

// "REPRESENTATION_FOLDED_IN" and "folded_in" are "folded in".
export function word(name: string, prefix = ''): string {
  const rest = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  return rest.toLowerCase().replace(/_/g, ' ');
}
