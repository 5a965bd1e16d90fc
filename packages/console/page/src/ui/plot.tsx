import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

interface PlotSeries {
  readonly label: string;
  /** A CSS variable of the page, e.g. `--ok` or `--bad`. */
  readonly tone: string;
  readonly values: readonly (number | null)[];
}

interface PlotProps {
  /** Seconds since 1970. */
  readonly x: readonly number[];
  readonly series: readonly PlotSeries[];
  readonly print: (value: number) => string;
}

const HEIGHT = 150;

/** Distances of the lines of the grid: whole numbers, since half a resource or half a millisecond says nothing. */
const INCREMENTS = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

const dataOf = ({ x, series }: PlotProps): uPlot.AlignedData => [[...x], ...series.map(({ values }) => [...values])];

/**
 * A line plot over time; without points only its empty frame. It is redrawn when the theme changes, because a canvas
 * does not use style sheets.
 */
export function Plot(props: PlotProps) {
  return props.x.length === 0 ? <div class="plot" /> : <DrawnPlot {...props} />;
}

function DrawnPlot(props: PlotProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(
        optionsOf(latest.current, frame.current as HTMLDivElement),
        dataOf(latest.current),
        frame.current as HTMLDivElement,
      );
    };
    draw();
    return followAppearance(frame.current as HTMLDivElement, draw, () => plot.current);
  }, []);
  useEffect(() => plot.current?.setData(dataOf(props)));
  return <div class="plot" ref={frame} aria-hidden="true" />;
}

/** Draws again when the theme changes, and fits the plot to its frame. Returns a function that ends this and removes the plot. */
function followAppearance(frame: HTMLDivElement, draw: () => void, plot: () => uPlot | undefined): () => void {
  const media = matchMedia('(prefers-color-scheme: dark)');
  media.addEventListener('change', draw);
  const themes = new MutationObserver(draw);
  themes.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  const sizes = new ResizeObserver(() => plot()?.setSize({ width: frame.clientWidth, height: HEIGHT }));
  sizes.observe(frame);
  return () => {
    media.removeEventListener('change', draw);
    themes.disconnect();
    sizes.disconnect();
    plot()?.destroy();
  };
}

/** One value alone makes no line, so it is drawn as a dot. */
const isSingle = (plot: uPlot, index: number): boolean =>
  [...(plot.data[index] ?? [])].filter((value) => value !== null).length === 1;

function optionsOf({ series, print }: PlotProps, frame: HTMLDivElement): uPlot.Options {
  const colour = (name: string): string => resolvedColour(frame, name);
  const axis = {
    stroke: colour('dim'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui',
  };
  return {
    width: frame.clientWidth,
    height: HEIGHT,
    // On the right, half of the last label of time.
    padding: [8, 20, 0, 0],
    cursor: { y: false, points: { size: 6 } },
    legend: { live: true },
    scales: { y: { range: (_, __, max) => [0, Math.max(1, max ?? 1) * 1.1] } },
    axes: [
      {
        ...axis,
        size: 28,
        space: 70,
        values: (_, ticks) => ticks.map((tick) => new Date(tick * 1_000).toTimeString().slice(0, 5)),
      },
      { ...axis, size: 58, space: 34, incrs: INCREMENTS, values: (_, ticks) => ticks.map(print) },
    ],
    series: [
      {
        value: (_, tick) => (tick === null ? '' : new Date(tick * 1_000).toTimeString().slice(0, 5)),
        label: 'minute',
      },
      ...series.map(({ label, tone }) => ({
        label,
        stroke: colour(tone),
        width: 1.6,
        fill: `color-mix(in srgb, ${colour(tone)} 8%, transparent)`,
        points: { show: isSingle },
        spanGaps: true,
        value: (_: uPlot, value: number | null) => (value === null ? '–' : print(value)),
      })),
    ],
  };
}

/** The value of a CSS variable under the current theme. */
function resolvedColour(frame: HTMLElement, name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(--${name})`;
  frame.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
