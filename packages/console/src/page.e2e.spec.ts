import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { atScale, eventually } from '@intendant/devdb/testing';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BrowserFixture, openBrowser, whyNoBrowser } from './testing/console-browser.ts';
import { route, vm } from './testing/console-fixture.ts';

const COKE = { orgId: 'Coke', roles: ['tenant_admin'] };
const PEPSI = { orgId: 'Pepsi', roles: ['tenant_admin'] };
const SERVICE = { roles: ['service_admin'] };
const BULK = 1_000;

let fixture: BrowserFixture;

const session = async (caller = COKE) => fixture.console.realization.as(await fixture.console.context(caller));

async function fill(): Promise<void> {
  const [r, p] = [await session(), await session(PEPSI)];
  const ids = Array.from({ length: BULK }, (_, index) => `bulk-${String(index).padStart(4, '0')}`);
  await r.persistIntents(
    vm,
    ids.map((id) => ({ id, name: `bulk ${id}`, region: 'eu', cpus: 1 })),
    { enforcementPoints: ['E1'] },
  );
  await r.markError(
    vm,
    ids.map((id) => ({ id, revision: 1 })),
    'E1',
    new Error('the disk of the hypervisor is full'),
  );
  await r.persistIntent(
    vm,
    { id: 'web', name: 'web', region: 'us', cpus: 2 },
    { enforcementPoints: ['E1', 'E2', 'E3'] },
  );
  await r.persistIntent(vm, { id: '<b>a/b</b>', name: 'odd', region: 'us', cpus: 2 }, { enforcementPoints: ['E2'] });
  await r.persistIntent(
    vm,
    { id: 'not\u202egnp.exe', name: 'odd', region: 'us', cpus: 2 },
    { enforcementPoints: ['E2'] },
  );
  await r.markSuccess(vm, { id: 'web', revision: 1 }, 'E1');
  await r.persistIntent(vm, { id: 'lossy', name: 'lossy', region: 'us', cpus: 2 }, { enforcementPoints: ['E1'] });
  await r.persistIntent(route, { zone: 'example.com', port: 80, target: 'web' }, { enforcementPoints: ['E1'] });
  await p.persistIntent(vm, { id: 'theirs', name: 'theirs', region: 'us', cpus: 2 }, { enforcementPoints: ['E1'] });
  for (const id of ['E1', 'E2', 'E3']) await fixture.console.realization.points.add({ id, labels: { region: 'us' } });
  await failToDeliver();
}

/** Leaves a dead letter with a long error. */
async function failToDeliver(): Promise<void> {
  const { subscriptions } = fixture.console;
  const fail = async () => {
    throw new Error('the billing service has no price for a route to this zone, and no default price is configured');
  };
  await using _ = await subscriptions.subscribe(route.name, fail, {
    name: 'billing',
    from: 'beginning',
    maxAttempts: 1,
  });
  await eventually(async () => expect(await subscriptions.deadLetters('billing')).toHaveLength(1));
}

beforeAll(async () => {
  if (whyNoBrowser !== undefined) return;
  fixture = await openBrowser();
  await fill();
}, 90_000);

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
});

const visit = (page: Page, path: string) => page.goto(`${fixture.url}/${path}`);
const row = (page: Page, id: string) => page.locator('tbody tr').filter({ has: page.locator(`.key:text-is("${id}")`) });
const chip = (page: Page, id: string, status: string) => row(page, id).locator('.chip', { hasText: status });

if (whyNoBrowser !== undefined) console.warn(`The console's browser tests are skipped: ${whyNoBrowser}.`);

describe.skipIf(whyNoBrowser !== undefined)(`the page${whyNoBrowser === undefined ? '' : ` (${whyNoBrowser})`}`, () => {
  test('two tenants at the same time see only their own resources, and a status that becomes REALIZED appears without a reload', async () => {
    const [coke, pepsi] = await Promise.all([fixture.open(COKE), fixture.open(PEPSI)]);
    await Promise.all([visit(coke, 'resources?q=web'), visit(pepsi, 'resources')]);
    await chip(coke, 'web', 'pending').waitFor();
    await row(pepsi, 'theirs').waitFor();
    expect(await pepsi.locator('tbody tr').count()).toBe(1);
    await coke.getByText('Live', { exact: true }).waitFor();
    const r = await session();
    for (const point of ['E2', 'E3']) await r.markSuccess(vm, { id: 'web', revision: 1 }, point);
    await chip(coke, 'web', 'realized').waitFor();
    await Promise.all([coke.context().close(), pepsi.context().close()]);
  });

  test('an error is shown whole, and retried; the history shows what a revision changed', async () => {
    const page = await fixture.open(COKE);
    const r = await session();
    const message = `quota exceeded: 64 of 64 vCPUs in use\nat ${'x'.repeat(300)} the end`;
    await r.persistIntent(vm, { id: 'web', name: 'web', region: 'us', cpus: 8, revision: 1 }, {});
    await r.markError(vm, { id: 'web', revision: 2 }, 'E2', new Error(message));
    await visit(page, 'resources/vm/web?table=vm');
    const panel = page.getByRole('complementary');
    expect(await panel.locator('pre.error').first().textContent()).toContain('the end');
    await panel.getByRole('button', { name: 'Revisions' }).click();
    await panel.getByText('cpus', { exact: true }).waitFor();
    expect(await panel.locator('.diff').first().textContent()).toMatch(/cpus 2 → 8/);
    await panel.getByRole('button', { name: 'Retry' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Retry 1' }).click();
    await page.getByText('Retry done: 1 of 1').waitFor();
    await panel.locator('.overall .chip', { hasText: 'pending' }).waitFor();
    await page.context().close();
  });

  test(`filter, page, and retry ${BULK} in bulk with progress; the filter is in the address`, async () => {
    const page = await fixture.open(COKE);
    await visit(page, 'resources');
    await page.getByRole('button', { name: /^error/ }).click();
    await page.getByLabel('Search by key or field').fill('bulk region:eu');
    await page.waitForURL(/q=bulk/);
    await page.getByText('vm, 1,000 match').waitFor();
    expect(page.url()).toMatch(/status=ERROR/);
    await row(page, 'bulk-0049').waitFor();
    await page.getByRole('button', { name: 'Next page' }).click();
    await row(page, 'bulk-0050').waitFor();
    await page.reload();
    await row(page, 'bulk-0050').waitFor();
    await page.getByLabel('Select this page').click();
    await page.getByRole('button', { name: 'Select all 1,000 that match' }).click();
    await page.getByRole('button', { name: 'Retry all 1,000 that match' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Retry 1,000' }).click();
    await page.getByRole('progressbar', { name: 'retry' }).waitFor();
    await page.getByText('Retry done: 1,000 of 1,000').waitFor();
    await page.getByText('Nothing matches.').waitFor();
    await page.context().close();
  });

  test('a key with special characters is shown as text, not as markup, and opens its resource', async () => {
    const page = await fixture.open(COKE);
    await visit(page, 'resources?q=odd');
    await page.getByText('not\\u{202e}gnp.exe', { exact: true }).waitFor(); // A change of direction is shown, and not obeyed.
    await page.getByRole('link', { name: '<b>a/b</b>' }).click();
    await page.getByRole('complementary').getByRole('heading', { name: '<b>a/b</b>' }).waitFor();
    await page.reload();
    await page.getByRole('complementary').getByText('E2').first().waitFor();
    await visit(page, 'resources/vm/gone?table=vm');
    await page.getByText('It may have been removed').waitFor();
    expect(await page.getByRole('complementary').textContent()).not.toMatch(/caller|persisted|[{}]/);
    await page.context().close();
  });

  test('resources can be found, opened, retried and closed with the keyboard alone', async () => {
    const page = await fixture.open(COKE);
    await visit(page, 'resources');
    await row(page, 'web').or(page.locator('tbody tr').first()).first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('web');
    await page.waitForURL(/q=web/);
    await page.getByText('vm, 1 match').waitFor();
    for (let tabs = 0; tabs < 30 && (await page.evaluate(() => document.activeElement?.tagName)) !== 'TR'; tabs++)
      await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await page.getByText('1 resource selected').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'vm web' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    await page.locator('tbody tr').first().focus();
    await page.keyboard.press('r');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Retry done').waitFor();
    await page.context().close();
  });

  test('a lost connection is shown, and changes made meanwhile appear when it is restored', async () => {
    const page = await fixture.open(COKE);
    await visit(page, 'resources?q=lossy');
    await page.getByText('Live', { exact: true }).waitFor();
    fixture.cut();
    await page.getByText('Connection lost').waitFor();
    const r = await session();
    await r.markSuccess(vm, { id: 'lossy', revision: 1 }, 'E1');
    fixture.restore();
    await page.getByText('Live', { exact: true }).waitFor();
    await chip(page, 'lossy', 'realized').waitFor();
    await page.context().close();
  });

  test('no view has a serious accessibility problem, in the light theme, the dark theme or on a phone', {
    timeout: 90_000,
  }, async () => {
    const page = await fixture.open(SERVICE);
    const views = [
      '',
      // A few rows look like many, and the check takes a second for each hundred.
      'resources?table=vm&q=region:us',
      `resources/vm/${encodeURIComponent('{"orgId":"Coke","id":"web"}')}?table=vm&q=region:us`,
      'points',
      'changes',
      'dead-letters',
      'tenants',
    ];
    for (const view of views) {
      await visit(page, view);
      await page.locator('h1:visible, h2:visible').first().waitFor();
      expect([view, await seriousFaults(page)]).toEqual([view, []]);
    }
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 390, height: 844 });
    const examined = ['dead-letters', ...views.slice(1, atScale(2, views.length))];
    for (const view of views) {
      await visit(page, view);
      await page.locator('h1:visible, h2:visible').first().waitFor();
      if (view === 'dead-letters') await page.locator('.letters summary').waitFor();
      expect([view, await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)]).toEqual([view, 0]);
      if (examined.includes(view)) expect([view, await seriousFaults(page)]).toEqual([view, []]);
    }
    await page.context().close();
  });
});

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeWindow {
  readonly axe: {
    run(options: {
      resultTypes: string[];
    }): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
  };
}

/** Run by the debugger, which the page's own policy does not hold up. */
async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as AxeWindow).axe.run({ resultTypes: ['violations'] }),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}
