// Plots over time, by uPlot, each with what it says in words.
import uPlot from 'uplot';
import { clock } from './format';
import { h, say } from './dom';
import { describe, isAlarm, type Mark, type Series } from './series';
import { colour, onThemeChange } from './theme';

export interface Line {
  figure: string;
  name: string;
  colour: string;  // a variable of the style sheet
  dashed?: boolean;
  // Of a band: drawn without a line, filled between it and the next one.
  band?: boolean;
}

export interface PlotSpec {
  id: string;
  title: string;
  about: string;
  lines: Line[];
  spell: (value: number) => string;
  log?: boolean;
}

const HEIGHT = 170;

export class Plot {
  readonly element: HTMLElement;
  private readonly holder = h('div', { class: 'plot', tabindex: 0, role: 'img' });
  private readonly legend = h('ul', { class: 'legend' });
  private readonly when = h('span', { class: 'when' });
  private readonly values: HTMLElement[] = [];
  private readonly dots: HTMLElement[] = [];
  private plot: uPlot | null = null;
  private columns: (number | null)[][] = [[]];
  private marks: Mark[] = [];

  constructor(private readonly spec: PlotSpec) {
    for (const line of spec.lines) {
      const value = h('b');
      const dot = h('i', { class: line.dashed ? 'dot dashed' : 'dot', 'data-colour': line.colour });
      this.values.push(value);
      this.dots.push(dot);
      if (!line.band) this.legend.append(h('li', {}, dot, line.name, ' ', value));
    }
    this.element = h('figure', { class: 'card', id: 'plot-' + spec.id },
                     h('figcaption', {}, h('h3', { title: spec.about }, spec.title), this.when),
                     this.legend, this.holder,
                     h('p', { class: 'unseen', id: `about-${spec.id}` }, spec.about));
    this.holder.setAttribute('aria-describedby', `about-${spec.id}`);
    this.holder.addEventListener('keydown', (event) => this.step(event));
    new ResizeObserver(() => this.resize()).observe(this.holder);
    onThemeChange(() => this.make());
  }

  update(series: Series, from_ms: number, until_ms: number, marks: Mark[]): void {
    this.columns = series.columns(this.spec.lines.map((l) => l.figure), from_ms);
    this.marks = marks.filter((m) => m.time_s * 1000 >= from_ms);
    const lines = this.spec.lines.map((l) => l.name);
    this.holder.setAttribute('aria-label',
                             describe(this.spec.title, lines, this.columns, this.spec.spell) +
                             '. Left and right arrow keys read single moments.');
    const known = this.columns.slice(1).some((column) => column.some((v) => v !== null));
    this.holder.dataset['empty'] = String(!known);
    if (this.plot === null) this.make();
    this.plot?.setData(this.columns as uPlot.AlignedData, false);
    this.plot?.setScale('x', { min: from_ms / 1000, max: until_ms / 1000 });
    if (this.plot?.cursor.idx == null) this.showValues(null);
  }

  // How many points it shows: for tests.
  get points(): number {
    return this.columns[0]?.length ?? 0;
  }

  private make(): void {
    const width = this.holder.clientWidth;
    if (width === 0) return;
    this.plot?.destroy();
    const ink = colour('muted');
    const grid = { stroke: colour('grid'), width: 1 };
    const font = '11px system-ui, sans-serif';
    const spec = this.spec;
    this.plot = new uPlot({
      width, height: HEIGHT,
      padding: [8, 18, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { time: true },
        y: spec.log
          ? { distr: 3, range: (_u, min, max) => logRange(min, max) }
          : { range: (_u, min, max) => range(min, max) },
      },
      axes: [
        {
          stroke: ink, grid: { show: false }, ticks: grid, font, size: 26, space: 60,
          values: (_u, ticks) => ticks.map(hour),
        },
        {
          stroke: ink, grid, ticks: { show: false }, font, size: 56, space: 34,
          ...(spec.log ? { splits: (_u: uPlot, _axis: number, min: number, max: number) => decades(min, max) } : {}),
          values: (_u, ticks) => ticks.map((t) => (t === null ? '' : spec.spell(t))),
        },
      ],
      series: [{}, ...spec.lines.map((line) => seriesOf(line))],
      bands: spec.lines.flatMap((line, i) =>
        line.band && spec.lines[i + 1]?.band
          ? [{ series: [i + 2, i + 1] as [number, number], fill: colour(line.colour) + '26' }]
          : []),
      hooks: {
        drawClear: [(u) => this.drawMarks(u)],
        setCursor: [(u) => this.showValues(u.cursor.idx ?? null)],
      },
    }, this.columns as uPlot.AlignedData, this.holder);
    this.dots.forEach((dot, i) => {
      dot.style.borderColor = colour(this.spec.lines[i]?.colour ?? 'muted');
    });
  }

  private resize(): void {
    const width = this.holder.clientWidth;
    if (width === 0) return;
    if (this.plot === null) {
      this.make();
    } else if (this.plot.width !== width) {
      this.plot.setSize({ width, height: HEIGHT });
    }
  }

  // A line for every decision; those that need a look in the colour of trouble.
  private drawMarks(u: uPlot): void {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.lineWidth = devicePixelRatio;
    for (const mark of this.marks) {
      const x = Math.round(u.valToPos(mark.time_s, 'x', true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.strokeStyle = ctx.fillStyle = colour(isAlarm(mark.kind) ? 'bad' : 'accent');
      ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.setLineDash([]);
      const size = 4 * devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(x - size, bbox.top);
      ctx.lineTo(x + size, bbox.top);
      ctx.lineTo(x, bbox.top + 1.5 * size);
      ctx.fill();
    }
    ctx.restore();
  }

  // Of the moment under the cursor, or the last one.
  private showValues(index: number | null): void {
    const times = this.columns[0] ?? [];
    this.spec.lines.forEach((_line, i) => {
      const column = this.columns[i + 1] ?? [];
      const value = index === null ? column.findLast((v) => v !== null) : column[index];
      const element = this.values[i];
      if (element) say(element, value == null ? '–' : this.spec.spell(value));
    });
    const time = index === null ? null : times[index];
    say(this.when, time == null ? '' : clock(time * 1000));
  }

  private step(event: KeyboardEvent): void {
    const by = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
    const u = this.plot;
    if (by === 0 || u === null) return;
    event.preventDefault();
    const times = this.columns[0] ?? [];
    const at = Math.min(Math.max((u.cursor.idx ?? times.length) + by, 0), times.length - 1);
    const time = times[at];
    if (time == null) return;
    u.setCursor({ left: u.valToPos(time, 'x'), top: 10 });
    const said = this.spec.lines.map((l, i) => l.name + ' ' + (this.values[i]?.textContent ?? ''));
    this.holder.setAttribute('aria-label', clock(time * 1000) + ': ' + said.join(', '));
  }
}

function seriesOf(line: Line): uPlot.Series {
  const stroke = colour(line.colour);
  if (line.band) return { stroke: 'transparent', width: 0, points: { show: false } };
  return {
    stroke, width: 1.75, spanGaps: false,
    ...(line.dashed ? { dash: [5, 4] } : {}),
    points: { show: false, fill: stroke },
  };
}

function hour(time_s: number): string {
  return new Date(time_s * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}

function range(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  // From zero, unless that hides what moves.
  const low = min >= 0 && min < 0.7 * max ? 0 : min - 0.15 * (max - min || Math.abs(max) || 1);
  const high = max + 0.1 * (max - low || Math.abs(max) || 1);
  return [min >= 0 ? Math.max(0, low) : low, high > low ? high : low + 1];
}

function decades(min: number, max: number): number[] {
  const first = Math.ceil(Math.log10(min) - 1e-9);
  const last = Math.floor(Math.log10(max) + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
}

function logRange(min: number | null, max: number | null): [number, number] {
  if (!min || !max || min <= 0) return [1e-4, 1];
  const low = 10 ** Math.floor(Math.log10(min));
  const high = 10 ** Math.ceil(Math.log10(max));
  return [low, high > low ? high : low * 10];
}
