import type { Realization, RealizationSession } from '@intendant/realization';
import { REGIONS } from './points.ts';
import { between, pick, type Random, seededRandom } from './random.ts';
import { adminOf, firewallRule, TENANTS, type Tenant, virtualMachine } from './tables.ts';

const MACHINES = 24;
const RULES = 12;
const MAX_OF_A_KIND = 60;
const IMAGES = ['debian-13', 'ubuntu-26.04', 'fedora-44'];
const BAD_RULE_SHARE = 0.05;

/** The activity of the tenants' users: they first fill their accounts, and then keep changing them. */
export class Traffic {
  readonly #realization: Realization;
  readonly #paceMs: number;
  readonly #random = seededRandom(3);
  readonly #numbers = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(realization: Realization, paceMs: number) {
    this.#realization = realization;
    this.#paceMs = paceMs;
  }

  /** Resolves when every tenant has some resources. */
  async fill(): Promise<void> {
    for (const tenant of TENANTS) {
      for (let made = 0; made < MACHINES; made++) await this.#createMachine(tenant);
      for (let made = 0; made < RULES; made++) await this.#createRule(tenant);
    }
  }

  /** Makes one change after the other until it is stopped. Errors are passed to `onError`, and it continues. */
  start(onError: (error: unknown) => void): void {
    this.#timer = setTimeout(async () => {
      await this.#changeSomething().catch(onError);
      if (this.#timer !== undefined) this.start(onError);
    }, this.#paceMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #changeSomething(): Promise<void> {
    const tenant = pick(this.#random, TENANTS);
    const dice = this.#random();
    if (dice < 0.55) return this.#updateMachine(tenant);
    if (dice < 0.75) return this.#updateRule(tenant);
    if (dice < 0.85) return this.#createMachine(tenant);
    if (dice < 0.9) return this.#createRule(tenant);
    return this.#deleteMachine(tenant);
  }

  #as(tenant: Tenant): RealizationSession {
    return this.#realization.as(adminOf(tenant));
  }

  #nextNumber(kind: string): number {
    const number = (this.#numbers.get(kind) ?? 0) + 1;
    this.#numbers.set(kind, number);
    return number;
  }

  async #createMachine(tenant: Tenant): Promise<void> {
    const number = this.#nextNumber(`${tenant} machine`);
    if (number > MAX_OF_A_KIND) return this.#updateMachine(tenant);
    const region = pick(this.#random, REGIONS);
    const record = {
      id: `VM-${String(number).padStart(3, '0')}`,
      name: `${pick(this.#random, ['web', 'db', 'cache', 'queue', 'build'])}-${number}`,
      region,
      cpus: 2 ** between(this.#random, 0, 5),
      image: pick(this.#random, IMAGES),
    };
    const selector = { region, tier: tierOf(this.#random) };
    await this.#as(tenant).persistIntent(virtualMachine, record, { selector });
  }

  async #createRule(tenant: Tenant): Promise<void> {
    const number = this.#nextNumber(`${tenant} rule`);
    if (number > MAX_OF_A_KIND) return this.#updateRule(tenant);
    const record = {
      id: `FW-${String(number).padStart(3, '0')}`,
      name: `${pick(this.#random, ['allow', 'deny'])}-${pick(this.#random, ['office', 'partners', 'world'])}-${number}`,
      source: `10.${between(this.#random, 0, 255)}.0.0/16`,
      port: this.#port(),
    };
    await this.#as(tenant).persistIntent(firewallRule, record, { selector: { region: pick(this.#random, REGIONS) } });
  }

  /** Sometimes a port that no device accepts: an error that lasts until the rule is fixed. */
  #port(): number {
    return this.#random() < BAD_RULE_SHARE ? 0 : pick(this.#random, [22, 80, 443, 5432, 8080]);
  }

  async #updateMachine(tenant: Tenant): Promise<void> {
    const [found] = await this.#as(tenant).list(virtualMachine, { where: this.#someMachine(tenant) });
    if (!found?.record || found.record.deletedAt !== null) return;
    const { record } = found;
    await this.#as(tenant).persistIntent(virtualMachine, { ...record, cpus: record.cpus === 32 ? 1 : record.cpus * 2 });
  }

  async #updateRule(tenant: Tenant): Promise<void> {
    const number = between(this.#random, 1, this.#numbers.get(`${tenant} rule`) ?? 1);
    const [found] = await this.#as(tenant).list(firewallRule, {
      where: { id: `FW-${String(number).padStart(3, '0')}` },
    });
    if (!found?.record || found.record.deletedAt !== null) return;
    await this.#as(tenant).persistIntent(firewallRule, { ...found.record, port: this.#port() });
  }

  async #deleteMachine(tenant: Tenant): Promise<void> {
    await this.#as(tenant).softDelete(virtualMachine, this.#someMachine(tenant).id);
  }

  #someMachine(tenant: Tenant): { readonly id: string } {
    const number = between(this.#random, 1, this.#numbers.get(`${tenant} machine`) ?? 1);
    return { id: `VM-${String(number).padStart(3, '0')}` };
  }
}

const tierOf = (random: Random): string => String(between(random, 1, 4));
