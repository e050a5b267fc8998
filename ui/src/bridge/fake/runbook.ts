/**
 * The blocks of a text as the fake engine sees them: enough for pages and tests, not the product's reader.
 */
import type { BlockView, RunbookCheck } from '../../bindings/nox';

const OPTIONS = /^(cwd|timeout|name)=|^continue$/;

export function readRunbook(body: string): RunbookCheck {
  const blocks: BlockView[] = [];
  let open: { shell: string; line: number; text: string[]; name: string | undefined } | null = null;
  for (const [index, line] of body.split('\n').entries()) {
    const fence = /^```\s*(\S*)\s*(.*)$/.exec(line);
    if (open) {
      if (line.startsWith('```')) {
        const text = open.text.join('\n');
        blocks.push({
          index: blocks.length + 1,
          title: open.name ?? open.text.find((part) => part.trim() !== '') ?? '',
          shell: open.shell,
          text,
          line: open.line,
        });
        open = null;
      } else {
        open.text.push(line);
      }
    } else if (fence && (fence[1] === 'sh' || fence[1] === 'bash')) {
      const options = (fence[2] ?? '').split(/\s+/).filter(Boolean);
      const bad = options.find((option) => !OPTIONS.test(option));
      if (bad !== undefined) {
        const message = `“${bad}” is no option of a block. Use cwd=, timeout=, name= or continue.`;
        return { blocks: [], problem: { line: index + 1, message } };
      }
      const name = options.find((option) => option.startsWith('name='))?.slice(5);
      open = { shell: fence[1], line: index + 1, text: [], name };
    }
  }
  if (open) {
    return {
      blocks: [],
      problem: { line: open.line, message: 'This block has no end. Close it with ``` in a line of its own.' },
    };
  }
  return { blocks, problem: null };
}
