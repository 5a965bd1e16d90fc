import type { ResourceName } from '../api/model.ts';
import { visibleText } from './visible-text.ts';

/** A resource's key as text: its values, and the org if several orgs are visible. */
export function KeyText({ of: { key } }: { readonly of: Pick<ResourceName, 'key'> }) {
  const { orgId } = key;
  return (
    <>
      <bdi class="key">{keyText({ key })}</bdi>
      {orgId !== undefined && <bdi class="org">{visibleText(String(orgId))}</bdi>}
    </>
  );
}

export const keyText = ({ key }: Pick<ResourceName, 'key'>): string => {
  const { orgId: _org, instanceId: _instance, ...own } = key;
  return visibleText(Object.values(own).map(String).join(' / '));
};
