import { shellQuoted } from '../output/shell-quoted.ts';

/** Findings about more points than this become one finding. */
export const MANY_POINTS = 5;
const NAMED_POINTS = 3;

/** The table and the points of one or more queues. */
export class QueuePlace {
  readonly table: string;
  readonly points: readonly string[];

  constructor(table: string, points: readonly string[]) {
    this.table = table;
    this.points = points;
  }

  /** `vm at E1`, `vm at 40 points`. */
  get subject(): string {
    return `${this.table} at ${this.points.length === 1 ? this.points[0] : `${this.points.length} points`}`;
  }

  /** `E1`, `E1, E2, E3 and 37 more`. */
  get pointNames(): string {
    return namedPoints(this.points);
  }

  /** The arguments of `list` and `retry` that select what is placed there. */
  get flags(): string {
    const [only, ...others] = this.points;
    const point = only !== undefined && others.length === 0 ? ` --point ${shellQuoted(only)}` : '';
    return `${shellQuoted(this.table)}${point}`;
  }
}

/** The first points by name, and how many more there are. */
export function namedPoints(points: readonly string[]): string {
  const named = points.slice(0, NAMED_POINTS).join(', ');
  return points.length > NAMED_POINTS ? `${named} and ${points.length - NAMED_POINTS} more` : named;
}

/** One entry for each queue, or one for a table with queues at many points. */
export function byPlace<Row extends { readonly queue: string }>(rows: readonly Row[]): [QueuePlace, readonly Row[]][] {
  const byTable = Map.groupBy(rows, ({ queue }) => placeOf(queue).table);
  return [...byTable].flatMap(([table, ofTable]): [QueuePlace, readonly Row[]][] => {
    const pointOf = ({ queue }: Row) => placeOf(queue).point;
    if (ofTable.length > MANY_POINTS) return [[new QueuePlace(table, ofTable.map(pointOf)), ofTable]];
    return ofTable.map((row) => [new QueuePlace(table, [pointOf(row)]), [row]]);
  });
}

/** The table and the point of a queue's name; see realization's job keys: parts are plain, or a dot and hex. */
function placeOf(queue: string): { table: string; point: string } {
  const [, table = queue, point = ''] = queue.split('/').map(decodePart);
  return { table, point };
}

function decodePart(part: string): string {
  return /^\.[0-9a-f]+$/.test(part) ? Buffer.from(part.slice(1), 'hex').toString('utf8') : part;
}
