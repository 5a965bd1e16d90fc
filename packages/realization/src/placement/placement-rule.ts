import { type AnyTable, InvalidRecordError, type RecordOf } from '@intendant/core';
import { checkOptions } from '@intendant/core/internal';
import { checkEnforcementPoints } from './enforcement-point.ts';
import type { Placement } from './placement-statements.ts';
import { checkSelector, type Selector } from './selector.ts';

/**
 * Determines the points of an intent for which `persistIntent` gets none: a selector, or a function of the record that
 * returns a selector or a list of points. The result of a selector changes with the points: a point that is added later
 * gets the matching resources. A list remains until the next intent.
 */
export type PlacementRule<T extends AnyTable> =
  | Selector
  | ((
      record: Readonly<Omit<RecordOf<T>, 'revision' | 'createdAt' | 'updatedAt' | 'deletedAt'>>,
    ) => Selector | readonly string[]);

/** The placement options of one intent. */
export interface PlacementOptions {
  /**
   * The points where the intent is to be realized. It is unrealized at earlier points that are not named. An empty
   * list unrealizes it everywhere. Excludes `selector`.
   */
  readonly enforcementPoints?: readonly string[];
  /**
   * The registered points where the intent is to be realized, selected by their labels, now and when points are added
   * or removed. Default: the placement registered with the table; without one, the current points.
   */
  readonly selector?: Selector;
  /**
   * Accepts points that are stale or not registered. Default false: once a point is registered for the
   * table, an intent is refused at a point that is not known or has sent no heartbeat for `staleAfterMs`, unless the
   * resource is there already. For points whose workers start later.
   */
  readonly allowUnknownPoints?: boolean;
}

/** Throws ConfigurationError for an unknown option, InvalidRecordError for options that don't fit, and for a rule that returns neither a selector nor a list. */
export function placementOf(
  options: PlacementOptions,
  rule: PlacementRule<AnyTable> | undefined,
  record: unknown,
): Placement {
  checkOptions<PlacementOptions>('persistIntent', options, {
    enforcementPoints: true,
    selector: true,
    allowUnknownPoints: true,
  });
  const { enforcementPoints, selector, allowUnknownPoints } = options;
  if (enforcementPoints !== undefined && selector !== undefined)
    throw new InvalidRecordError('persistIntent: give enforcementPoints or a selector, not both');
  if (enforcementPoints !== undefined) return atPoints(enforcementPoints, allowUnknownPoints);
  if (selector !== undefined) return { kind: 'selector', selector: checkSelector(selector) };
  if (rule === undefined) return { kind: 'stay' };
  const place = typeof rule === 'function' ? rule(record as never) : rule;
  return Array.isArray(place)
    ? atPoints(place, allowUnknownPoints)
    : { kind: 'selector', selector: checkSelector(place) };
}

const atPoints = (points: readonly string[], allowsUnknown: boolean | undefined): Placement => ({
  kind: 'points',
  points: checkEnforcementPoints(points),
  allowsUnknown,
});
