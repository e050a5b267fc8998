// Runs steps that need each other: one step per lane at a time, lanes beside each other, and a step that wants the
// machine for itself alone. It knows nothing about what the steps do.

/**
 * Runs `steps` (`{ id, lane, needs, alone }`), in their order where nothing else decides. `perform(step)` resolves to
 * true when the step succeeded; a step whose need did not is handed to `skip(step, need)` instead.
 */
export async function schedule(steps, perform, skip) {
  const waiting = [...steps];
  const active = new Map();
  const outcome = new Map();
  const known = new Set(steps.map((step) => step.id));
  while (waiting.length > 0 || active.size > 0) {
    for (const step of [...waiting]) {
      const needs = (step.needs ?? []).filter((need) => known.has(need));
      const broken = needs.find((need) => outcome.get(need) === false);
      if (broken) {
        remove(waiting, step);
        outcome.set(step.id, false);
        skip(step, broken);
        continue;
      }
      if (!needs.every((need) => outcome.get(need)) || !hasRoom(step, active)) continue;
      remove(waiting, step);
      const work = perform(step).then((succeeded) => {
        outcome.set(step.id, succeeded);
        active.delete(step);
      });
      active.set(step, work);
    }
    if (active.size === 0) {
      if (waiting.length === 0) break;
      // Nothing runs and nothing may start: skipping above has freed the rest, or the needs go round in a circle.
      if (!waiting.some((step) => (step.needs ?? []).some((need) => outcome.has(need)))) {
        throw new Error(`steps need each other in a circle: ${waiting.map((step) => step.id).join(', ')}`);
      }
      continue;
    }
    await Promise.race(active.values());
  }
}

/** The steps called `names` (an id or a group) with all they need, in the order of `steps`; null for an unknown name. */
export function select(steps, names) {
  const chosen = new Set();
  const add = (step) => {
    if (chosen.has(step)) return;
    chosen.add(step);
    for (const need of step.needs ?? []) add(steps.find((other) => other.id === need));
  };
  for (const name of names) {
    const matches = steps.filter((step) => step.id === name || step.group === name);
    if (matches.length === 0) return null;
    matches.forEach(add);
  }
  return steps.filter((step) => chosen.has(step));
}

function hasRoom(step, active) {
  const others = [...active.keys()];
  if (step.alone) return others.length === 0;
  return others.every((other) => !other.alone && other.lane !== step.lane);
}

function remove(list, item) {
  list.splice(list.indexOf(item), 1);
}
