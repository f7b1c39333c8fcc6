// The page: asks for everything now and then, and shows it.
import { ApiError, get, said } from './api';
import { onActed, pauseOrResume, publish } from './actions';
import { byId, h } from './dom';
import { bytes, figure, num, percent, seconds, short } from './format';
import { Plot } from './plots';
import { showQuality } from './quality';
import { signIn, startSignOut } from './signin';
import { marks, Series, type Mark } from './series';
import { showDecisions, showSnapshots } from './snapshots';
import { showStatus, showTrouble, showUnreachable } from './status';
import { startTheme } from './theme';
import { startTry } from './tryit';
import type { Decision, History, Quality, Snapshot, Status } from './types';

const MINUTE = 60000;
const WINDOWS: [string, number][] = [
  ['15 min', 15 * MINUTE], ['1 h', 60 * MINUTE], ['3 h', 180 * MINUTE], ['12 h', 720 * MINUTE],
];

const rate = (v: number) => short(v);
const PLOTS = [
  new Plot({
    id: 'hits', title: 'Hit rate at 10', spell: (v) => percent(v),
    about: 'How often the next interaction of a user was among the ten items the model would have shown; with its 95 % interval, and beside popularity',
    lines: [
      { figure: 'hit_rate_low', name: 'low', colour: 's1', band: true },
      { figure: 'hit_rate_high', name: 'high', colour: 's1', band: true },
      { figure: 'hit_rate', name: 'model', colour: 's1' },
      { figure: 'popularity_hit_rate', name: 'popularity', colour: 's4', dashed: true },
    ],
  }),
  new Plot({
    id: 'freshness', title: 'Freshness', spell: seconds,
    about: 'How long the oldest interaction has waited that is not learnt, or not in the snapshot that serves. What is acknowledged counts for its user at once',
    lines: [
      { figure: 'serve_lag_seconds', name: 'to servable', colour: 's1' },
      { figure: 'train_lag_seconds', name: 'to learnt', colour: 's2' },
    ],
  }),
  new Plot({
    id: 'traffic', title: 'Traffic, per second', spell: rate,
    about: 'Recommendations answered and interactions acknowledged',
    lines: [
      { figure: 'answers_per_second', name: 'answers', colour: 's1' },
      { figure: 'interactions_per_second', name: 'interactions', colour: 's2' },
      { figure: 'errors_per_second', name: 'errors', colour: 'bad' },
    ],
  }),
  new Plot({
    id: 'latency', title: 'Latency', spell: seconds, log: true,
    about: 'Of recommendations, 99 % and half are answered within this; of interactions, 99 % are acknowledged. Logarithmic',
    lines: [
      { figure: 'answer_p99_seconds', name: '99 %', colour: 's1' },
      { figure: 'answer_p50_seconds', name: 'half', colour: 's1', dashed: true },
      { figure: 'ack_p99_seconds', name: 'acks 99 %', colour: 's2' },
    ],
  }),
  new Plot({
    id: 'temperature', title: 'Temperatures', spell: (v) => figure(v),
    about: 'The global temperature τ₀; a tenth, half and nine tenths of the personal ones are below the others',
    lines: [
      { figure: 'tau_user_p90', name: '90 %', colour: 's3', dashed: true },
      { figure: 'tau_user_p50', name: 'half', colour: 's3' },
      { figure: 'tau_user_p10', name: '10 %', colour: 's3', dashed: true },
      { figure: 'tau0', name: 'τ₀', colour: 's1' },
    ],
  }),
  new Plot({
    id: 'loss', title: 'Loss', spell: (v) => figure(v),
    about: 'Decayed mean of the sampled-softmax loss',
    lines: [{ figure: 'loss', name: 'loss', colour: 's1' }],
  }),
  new Plot({
    id: 'learning', title: 'Learning', spell: rate,
    about: 'Positives learnt from in a second, and interactions not learnt yet',
    lines: [
      { figure: 'learnt_per_second', name: 'positives/s', colour: 's1' },
      { figure: 'backlog', name: 'backlog', colour: 's2' },
    ],
  }),
  new Plot({
    id: 'memory', title: 'Memory', spell: bytes,
    about: 'Resident memory of the process',
    lines: [{ figure: 'resident_bytes', name: 'resident', colour: 's1' }],
  }),
];

const series = new Series();
let decisions: Mark[] = [];
let shown_ms = WINDOWS[0]?.[1] ?? MINUTE;
let status: Status | null = null;
let reached_ms = 0;
let reachable = false;

// By the daemon's clock, which all times of its answers have.
function now(): number {
  return status && reachable ? num(status.now_ms) : Date.now();
}

function drawPlots(): void {
  const until = now();
  for (const plot of PLOTS) plot.update(series, until - shown_ms, until, decisions);
}

// Null where the daemon does not know the call; it is not asked again until it
// was away.
const unknown = new Set<string>();
async function optional<T>(path: string): Promise<T | null> {
  if (unknown.has(path)) return null;
  try {
    return await get<T>(path);
  } catch (error) {
    if (error instanceof ApiError && error.code === 'UNIMPLEMENTED') {
      unknown.add(path);
      return null;
    }
    throw error;
  }
}

function show(status: Status): void {
  showStatus(status, series);
  const pause = byId<HTMLButtonElement>('pause');
  const paused = status.trainer?.state === 'paused';
  pause.disabled = false;
  pause.textContent = paused ? 'Resume learning' : 'Pause learning';
  pause.dataset['paused'] = String(paused);
  byId<HTMLButtonElement>('publish').disabled = false;
}

async function askHistory(): Promise<void> {
  series.add(await get<History>('history', { since: String(series.last_ms) }));
  drawPlots();
}

async function askRest(): Promise<void> {
  const [quality, snapshots, made] = await Promise.all([
    optional<Quality>('quality'),
    optional<{ snapshots?: Snapshot[] }>('snapshots'),
    optional<{ decisions?: Decision[] }>('decisions'),
  ]);
  showQuality(quality);
  showSnapshots(snapshots?.snapshots ?? [], now());
  showDecisions(made === null ? null : made.decisions ?? []);
  decisions = marks(made?.decisions ?? []);
}

function setReachable(is: boolean): void {
  reachable = is;
  document.body.dataset['reachable'] = String(is);
  if (is) {
    reached_ms = Date.now();
  } else {
    unknown.clear();
    showUnreachable(reached_ms, Date.now());
    byId<HTMLButtonElement>('pause').disabled = true;
    byId<HTMLButtonElement>('publish').disabled = true;
  }
}

// One after the other: a slow daemon is asked less often. `turn` counts from 0.
let turn = 0;
let failures = 0;
async function ask(): Promise<void> {
  const own = turn++;
  const was = reachable;
  status = await get<Status>('status');
  setReachable(true);
  if (own % 2 === 0 || !was) await askHistory();
  show(status);
  if (own % 5 === 0 || !was) {
    await askRest();
    drawPlots();
  }
}

// One loop: the one that was begun last.
let loops = 0;
let timer = 0;
async function loop(): Promise<void> {
  const own = ++loops;
  clearTimeout(timer);
  try {
    if (!document.hidden) await ask();
    failures = 0;
  } catch (error) {
    const code = error instanceof ApiError ? error.code : '';
    failures++;
    if (code === 'UNREACHABLE') setReachable(false);
    else showTrouble(said(error));
    if (code === 'UNAUTHENTICATED') {
      signIn(said(error), () => void loop());
      return;
    }
  }
  if (own !== loops) return;
  timer = window.setTimeout(() => void loop(), failures === 0 ? 2000 : Math.min(1000 * failures, 5000));
}

function startWindows(): void {
  const buttons = WINDOWS.map(([name, length]) => {
    const button = h('button', { type: 'button', class: 'small' }, name);
    button.addEventListener('click', () => {
      shown_ms = length;
      buttons.forEach((b) => b.setAttribute('aria-pressed', String(b === button)));
      drawPlots();
    });
    return button;
  });
  buttons[0]?.setAttribute('aria-pressed', 'true');
  buttons.slice(1).forEach((b) => b.setAttribute('aria-pressed', 'false'));
  byId('windows').append(...buttons);
}

startTheme(byId<HTMLButtonElement>('theme'));
byId('grid').append(...PLOTS.map((plot) => plot.element));
startWindows();
startTry();
startSignOut(() => location.reload());
byId('publish').addEventListener('click', publish);
byId('pause').addEventListener('click', () =>
  pauseOrResume(byId('pause').dataset['paused'] === 'true'));
onActed(() => {
  turn = 0;
  void loop();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void loop();
});
void loop();
