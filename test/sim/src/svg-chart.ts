/** Lines over a plane. */
export interface Chart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly { readonly name: string; readonly points: readonly (readonly [number, number])[] }[];
}

/** An axis; a logarithmic one has values above 0. */
interface Axis {
  readonly label: string;
  readonly log: boolean;
}

const WIDTH = 760;
const HEIGHT = 420;
const PLOT = { left: 70, right: 520, top: 44, bottom: 364 };
/** Told apart by people who do not see all colours (Okabe and Ito 2008). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#8a8a00', '#7f3c8d'];

/** Ticks between two values: powers of ten with 2 and 5 of them, or five even steps. */
const ticksOf = (least: number, most: number, log: boolean): readonly number[] => {
  const spread = log ? most / least : most - least;
  const power = 10 ** Math.floor(Math.log10(log ? least : spread / 4));
  if (!log) {
    const step = [1, 2, 5, 10].map((n) => n * power).find((size) => spread / size <= 6) ?? power;
    const first = Math.ceil(least / step);
    return Array.from({ length: Math.floor(most / step) - first + 1 }, (_, i) =>
      Number(((first + i) * step).toPrecision(6)),
    );
  }
  const ticks = Array.from({ length: 12 }, (_, i) => [1, 2, 5].map((n) => n * power * 10 ** i)).flat();
  return ticks
    .map((tick) => Number(tick.toPrecision(6)))
    .filter((tick) => tick >= least * 0.999 && tick <= most * 1.001);
};

/** Where a value is drawn, and the ticks of its axis. */
const scaleOf = (values: readonly number[], { log }: Axis, from: number, to: number) => {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const least = log ? low : Math.min(0, low);
  const most = high > least ? high : least + 1;
  const position = (value: number): number =>
    log ? Math.log(value / least) / Math.log(most / least) : (value - least) / (most - least);
  return {
    at: (value: number): string => (from + position(value) * (to - from)).toFixed(1),
    ticks: ticksOf(least, most, log),
  };
};

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Draws a chart as SVG; the same chart gives the same bytes. */
export const drawChart = ({ title, x, y, lines }: Chart): string => {
  const points = lines.flatMap((line) => line.points).filter((point) => point.every(Number.isFinite));
  const across = scaleOf(
    points.map(([value]) => value),
    x,
    PLOT.left,
    PLOT.right,
  );
  const up = scaleOf(
    points.map(([, value]) => value),
    y,
    PLOT.bottom,
    PLOT.top,
  );
  const text = (at: readonly [number | string, number | string], anchor: string, value: string | number, more = '') =>
    `<text x="${at[0]}" y="${at[1]}" text-anchor="${anchor}"${more}>${escapeXml(String(value))}</text>`;
  const grid = [
    ...across.ticks.map((tick) => {
      const at = across.at(tick);
      return `<path d="M${at} ${PLOT.top}V${PLOT.bottom}" stroke="#ddd"/>${text([at, PLOT.bottom + 18], 'middle', tick)}`;
    }),
    ...up.ticks.map((tick) => {
      const at = up.at(tick);
      return `<path d="M${PLOT.left} ${at}H${PLOT.right}" stroke="#ddd"/>${text([PLOT.left - 8, Number(at) + 4], 'end', tick)}`;
    }),
  ];
  const drawn = lines.flatMap((line, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const dashes = i >= COLOURS.length ? ' stroke-dasharray="5 3"' : '';
    const finite = line.points.filter((point) => point.every(Number.isFinite));
    const places = finite.map(([px, py]) => [across.at(px), up.at(py)] as const);
    const legendY = PLOT.top + 10 + 20 * i;
    return [
      `<polyline points="${places.map((place) => place.join(',')).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"${dashes}/>`,
      ...places.map(([px, py]) => `<circle cx="${px}" cy="${py}" r="3" fill="${colour}"/>`),
      `<path d="M${PLOT.right + 16} ${legendY}h20" stroke="${colour}" stroke-width="2"${dashes}/>`,
      text([PLOT.right + 42, legendY + 4], 'start', line.name),
    ];
  });
  const middle = (PLOT.top + PLOT.bottom) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#222">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text([PLOT.left, 24], 'start', title, ' font-size="15" font-weight="bold"'),
    ...grid,
    ...drawn,
    text([(PLOT.left + PLOT.right) / 2, HEIGHT - 16], 'middle', x.label),
    text([18, middle], 'middle', y.label, ` transform="rotate(-90 18 ${middle})"`),
    '</svg>',
    '',
  ].join('\n');
};
