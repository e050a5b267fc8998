/**
 * How a window test is written: `story('title', options, async (desk) => { … })`. One desk each, always cleared away.
 *
 * A failure keeps its evidence in `output/<title>/`; the message names the folder.
 */
import { test } from 'node:test';
import path from 'node:path';
import { Desk } from './desk.mjs';
import { REPOSITORY } from './world.mjs';

/** No journey may take longer; it is a safety net, not a pace. */
export const STORY_LIMIT_MS = 90_000;

/** @param {import('./desk.mjs').DeskOptions & {todo?: string, skip?: string}} options */
export function story(title, options, body) {
  const { todo, skip, ...deskOptions } = options;
  test(title, { timeout: STORY_LIMIT_MS, todo, skip }, async (t) => {
    const desk = new Desk(title, deskOptions);
    let passed = false;
    const clearAway = async () => {
      const folder = passed ? undefined : await desk.keepEvidence();
      await desk.stop();
      return folder;
    };
    let cleared;
    // Also when the time is over: the body is then still waiting somewhere.
    t.after(() => (cleared ??= clearAway()));
    try {
      await desk.start();
      await body(desk, t);
      passed = true;
    } catch (error) {
      const folder = await (cleared ??= clearAway());
      if (folder) error.message += `\n  evidence: ${path.relative(REPOSITORY, folder)}`;
      throw error;
    }
    await (cleared ??= clearAway());
  });
}
