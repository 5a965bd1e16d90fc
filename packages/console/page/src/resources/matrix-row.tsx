import { memo } from 'preact/compat';
import { useMemo } from 'preact/hooks';
import type { Resource } from '../api/model.ts';
import { Link } from '../location/link.tsx';
import { printNumber } from '../ui/format.ts';
import { KeyText } from '../ui/key-text.tsx';
import { Ago } from '../ui/moment.tsx';
import { StatusCell, StatusChip } from '../ui/status.tsx';
import { openPath } from './open-path.ts';

interface MatrixRowProps {
  readonly resource: Resource;
  /** The points whose columns are visible, and the width of the other columns. */
  readonly points: readonly string[];
  readonly before: number;
  readonly after: number;
  readonly index: number;
  readonly isOpen: boolean;
  readonly isSelected: boolean;
  readonly onToggle: () => void;
}

export const MatrixRow = memo(function MatrixRow({
  resource,
  points,
  before,
  after,
  index,
  isOpen,
  isSelected,
  onToggle,
}: MatrixRowProps) {
  const cells = useMemo(() => new Map(resource.cells.map(({ point, status }) => [point, status])), [resource.cells]);
  return (
    <tr tabIndex={index === 0 ? 0 : -1} data-index={index} class={isOpen ? 'open' : isSelected ? 'selected' : ''}>
      <td class="pick">
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={`Select ${resource.id}`}
          checked={isSelected}
          onChange={onToggle}
        />
      </td>
      <th scope="row" class="stuck">
        <Link to={openPath(resource)} tabIndex={-1} title={resource.id}>
          <KeyText of={resource} />
        </Link>
        {resource.record === null && <span class="dim"> (row gone)</span>}
      </th>
      <td title={resource.message}>
        <StatusChip status={resource.status} />
      </td>
      <td class="num">{printNumber(resource.revision)}</td>
      <td class="num">
        <Ago at={resource.since} />
      </td>
      {before > 0 && <td />}
      {points.map((point) => {
        const status = cells.get(point);
        if (status === undefined) return <td key={point} class="point none" />;
        return (
          <td key={point} class="point">
            <StatusCell point={point} status={status} />
          </td>
        );
      })}
      {after > 0 && <td />}
    </tr>
  );
});
