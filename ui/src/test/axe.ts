// Looks for faults that keep people out. Colours are not computed here, since jsdom draws nothing: tokens.test.ts does.
import axe from 'axe-core';

export async function faultsOf(element: Element): Promise<string[]> {
  const { violations } = await axe.run(element, {
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}
