import type { Result, Results } from '../result.ts';
import { figure } from './figures.ts';

const WIDTH = 820;
const LABEL_WIDTH = 300;
/** Room for the figure behind the longest bar. */
const FIGURE_WIDTH = 190;
const BAR_HEIGHT = 14;
const PAIR_HEIGHT = 44;
const OURS = '#2f6f4f';
const PEER = '#b8b8b0';

/** One pair of bars for each result, each pair with its own scale, because only the ratio matters. */
export function plot(results: Results): string {
  const pairs = Object.entries(results).map(([name, result], index) => pairOfBars(name, result, index * PAIR_HEIGHT));
  const height = pairs.length * PAIR_HEIGHT + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">
<title>${escapeXml(Object.keys(results).join(', '))}</title>
<rect width="100%" height="100%" fill="#fff"/>
${pairs.join('\n')}
</svg>
`;
}

function pairOfBars(name: string, { ours, peer, unit, ratio }: Result, top: number): string {
  const longest = Math.max(ours, peer) || 1;
  const bar = (value: number, offset: number, color: string, label: string) => {
    const width = Math.max(1, (value / longest) * (WIDTH - LABEL_WIDTH - FIGURE_WIDTH));
    const y = top + 8 + offset;
    return `<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" fill="${color}"/><text x="${(LABEL_WIDTH + width + 6).toFixed(1)}" y="${y + 11}">${label}</text>`;
  };
  return `<text x="${LABEL_WIDTH - 10}" y="${top + 27}" text-anchor="end">${escapeXml(name)}  <tspan font-weight="bold">${ratio.toFixed(2)} ×</tspan></text>
${bar(ours, 0, OURS, escapeXml(`${figure(ours)} ${unit}`))}
${bar(peer, BAR_HEIGHT + 2, PEER, figure(peer))}`;
}

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
