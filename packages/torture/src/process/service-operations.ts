import type { RealizationSession } from '@intendant/realization';
import type { Random } from '../random.ts';
import { adminOf, ownersMark, SECRET_MARK, sign, vm } from '../world/tables.ts';
import type { Client } from './client.ts';
import type { System } from './open-system.ts';

/** Statuses that services mark, as they are stored. */
const MARKED = { markInProgress: 600, markSuccess: 200, markError: 1000 } as const;

/** The random operations of services on behalf of tenants. */
export class ServiceOperations {
  readonly #system: System;
  readonly #client: Client;
  readonly #random: Random;
  #count = 0;

  constructor(system: System, client: Client, random: Random) {
    this.#system = system;
    this.#client = client;
    this.#random = random;
  }

  /** Usually persists an intent, sometimes with a revision; sometimes deletes the resource. */
  async change(): Promise<void> {
    const org = this.#random.pick(this.#system.settings.orgs);
    const id = this.#anyId(org);
    const dice = this.#random.next();
    if (dice < 0.05) return this.#softDelete(org, id);
    if (dice < 0.08) return this.#delete(org, id);
    if (dice < 0.2) return this.#persistAtRevision(org, id);
    if (dice < 0.3) return this.#persistSign(org, id);
    return this.#persist(org, id);
  }

  /** Reports the progress of a sign at this service's own point, where no other process marks. */
  async mark(): Promise<void> {
    const org = this.#random.pick(this.#system.settings.orgs);
    const id = this.#anyId(org);
    const r = this.#as(org);
    const details = await r.getOverallStatusWithEnforcementDetails(sign, id).catch(() => undefined);
    if (details === undefined) return;
    const { revision } = details.overall;
    const verb = this.#random.pick(['markInProgress', 'markSuccess', 'markError'] as const);
    const point = this.#markedPoint();
    const status = String(MARKED[verb]);
    const described = { name: 'mark', table: 'sign', org, id, points: [point], status, revision } as const;
    await this.#client.perform(described, async () => {
      if (verb === 'markError') await r.markError(sign, { id, revision }, point, 'the sign is dark');
      else await r[verb](sign, { id, revision }, point);
      return undefined;
    });
  }

  async #persist(org: string, id: string): Promise<void> {
    const points = this.#random.chance(0.9) ? this.#somePoints() : undefined;
    const value = this.#newValue(org);
    await this.#client.perform(
      { name: 'persistIntent', table: 'vm', org, id, value, ...(points && { points }) },
      async () => {
        if (this.#system.settings.broken === 'lost-intents' && this.#random.chance(0.02))
          return 1_000_000 + this.#count;
        const options = points && { enforcementPoints: points, allowUnknownPoints: true };
        return (await this.#as(org).persistIntent(vm, { id, value }, options)).record.revision;
      },
    );
  }

  async #persistAtRevision(org: string, id: string): Promise<void> {
    const record = await this.#system.store
      .as(adminOf(org))
      .find(vm, id)
      .catch(() => undefined);
    if (record === undefined) return;
    const { revision } = record;
    const value = this.#newValue(org);
    await this.#client.perform(
      { name: 'persistIntent', table: 'vm', org, id, value, revision },
      async () => (await this.#as(org).persistIntent(vm, { id, value, revision })).record.revision,
    );
  }

  async #persistSign(org: string, id: string): Promise<void> {
    const value = this.#newValue(org);
    const points = ['M0', 'M1'];
    await this.#client.perform(
      { name: 'persistIntent', table: 'sign', org, id, value, points },
      async () =>
        (
          await this.#as(org).persistIntent(
            sign,
            { id, value },
            { enforcementPoints: points, allowUnknownPoints: true },
          )
        ).record.revision,
    );
  }

  async #softDelete(org: string, id: string): Promise<void> {
    await this.#client.perform(
      { name: 'softDelete', table: 'vm', org, id },
      async () => (await this.#as(org).softDelete(vm, id)).record?.revision,
    );
  }

  async #delete(org: string, id: string): Promise<void> {
    await this.#client.perform({ name: 'delete', table: 'vm', org, id }, async () => {
      await this.#as(org).delete(vm, id);
      return undefined;
    });
  }

  #as(org: string): RealizationSession {
    return this.#system.realization.as(adminOf(org));
  }

  #markedPoint(): string {
    return `M${this.#system.settings.index}`;
  }

  #anyId(org: string): string {
    return `${ownersMark(org)}r${this.#random.below(this.#system.settings.resources)}`;
  }

  #somePoints(): string[] {
    const points = this.#system.settings.points.filter(() => this.#random.chance(0.7));
    return points.length > 0 ? points : this.#system.settings.points.slice(0, 1);
  }

  #newValue(org: string): string {
    return `${ownersMark(org)} ${SECRET_MARK} ${this.#system.settings.name}-${process.pid}-v${this.#count++}`;
  }
}
