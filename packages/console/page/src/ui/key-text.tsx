import type { ResourceName } from '../api/model.ts';

/** A resource's key as text: its values, and the org if several orgs are visible. */
export function KeyText({ of: { key } }: { readonly of: Pick<ResourceName, 'key'> }) {
  const { orgId, instanceId: _, ...own } = key;
  return (
    <>
      <span class="key">{Object.values(own).map(String).join(' / ')}</span>
      {orgId !== undefined && <span class="org">{String(orgId)}</span>}
    </>
  );
}

export const keyText = ({ key }: Pick<ResourceName, 'key'>): string => {
  const { orgId: _org, instanceId: _instance, ...own } = key;
  return Object.values(own).map(String).join(' / ');
};
