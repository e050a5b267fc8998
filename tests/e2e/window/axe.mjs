/** Accessibility faults of the page as it is now, found by axe-core inside it. Used by `a11y.test.mjs`. */
import { createRequire } from 'node:module';

const { source } = createRequire(import.meta.url)('axe-core');

/**
 * The serious and critical violations, one readable line each; empty when there are none.
 * @param {import('./page.mjs').Page} page
 */
export async function faults(page) {
  // Colours in the middle of a change are nobody's choice.
  await page.atRest();
  if (!(await page.run('return Boolean(window.axe)'))) await page.run(`${source}; window.axe = axe;`);
  const violations = await page.driver.executeAsyncScript(`
    const done = arguments[arguments.length - 1];
    axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then((result) => done({ violations: result.violations }), (error) => done({ error: String(error) }));`);
  if (violations.error) throw new Error(`axe could not look at the page: ${violations.error}`);
  return violations.violations
    .filter((fault) => fault.impact === 'serious' || fault.impact === 'critical')
    .flatMap((fault) => fault.nodes.map((node) => `${fault.impact} ${fault.id}: ${fault.help} — ${node.target.join(' ')} — ${(node.failureSummary ?? '').replace(/\s+/g, ' ').slice(0, 200)}`));
}
