// A page for those who work on the window: every part in every state. It is served by `npm run dev -w ui` under
// /gallery.html and is no part of the build.
import '@mantine/core/styles.layer.css';
import '@/app/fonts.css';
import '@/app/tokens.css';
import '@/app/base.css';
import '@/app/mantine.css';
import { Checkbox, MantineProvider, Menu, Select, Switch, Textarea, TextInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { resolver, theme } from '@/app/theme';
import { Button, IconButton } from '@/components/controls/Button';
import { Field } from '@/components/controls/Field';
import { KeyHint } from '@/components/controls/Key';
import { Segmented } from '@/components/controls/Segmented';
import { ConfirmDialog } from '@/components/dialog/ConfirmDialog';
import { Banner } from '@/components/feedback/Banner';
import { EmptyBox, EmptyState } from '@/components/feedback/EmptyState';
import { SkeletonCard, SkeletonRows } from '@/components/feedback/Skeleton';
import { Toasts } from '@/components/feedback/Toasts';
import { toast } from '@/components/feedback/toasts';
import { ICON_NAMES, Icon, Mark } from '@/components/icons/icons';
import { Monogram } from '@/components/identity/Monogram';
import { PriorityBars } from '@/components/identity/PriorityBars';
import { VirtualList } from '@/components/layout/VirtualList';
import { SIGN_NAMES, StatusSign } from '@/components/status/StatusSign';
import { StatusText } from '@/components/status/StatusText';
import { CodeBlock, Command } from '@/components/text/Code';
import { Markdown } from '@/components/text/Markdown';
import { Terminal, type TerminalLine, type TerminalSource } from '@/components/text/Terminal';
import s from './gallery.module.css';

const NAMES = ['Backend', 'Frontend', 'Refactor', 'Docs', 'Release', 'Runbook', 'Triage', 'Reviewer', 'Night watch'];
const now = Date.now();

const PROSE = `The fetch step is safe to repeat; \`book()\` is not. So I retry only \`fetch()\`:

- 6 tries, from 500 ms to 30 s, with jitter
- a statement number that is already booked is [skipped](https://example.org/why) and logged

| step | tries | wait |
|---|---|---|
| fetch | 6 | 30 s |

\`\`\`rust
let page = retry(&backoff, || client.get(&url).send()).await?;
\`\`\`

> Never book a statement twice.

<b>HTML is text</b> ![a picture](https://example.org/x.png)`;

class Lines implements TerminalSource {
  lines: TerminalLine[] = [];
  version = 0;
  dropped = 0;
  #listeners = new Set<() => void>();
  subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  add(count: number) {
    for (let index = 0; index < count; index += 1) {
      const number = this.lines.length;
      const text = `test \u001b[1mimport::case_${number}\u001b[0m ... ${number % 7 ? '\u001b[32mok\u001b[0m' : '\u001b[31mFAILED\u001b[0m'}`;
      this.lines.push({ number, text, stream: number % 11 ? 'stdout' : 'stderr' });
    }
    this.version += 1;
    for (const listener of this.#listeners) listener();
  }
}

function Section({ title, children, wide = false }: { title: string; children: React.ReactNode; wide?: boolean }) {
  return (
    <section className={wide ? s.wide : s.section} aria-label={title}>
      <h2 className={s.heading}>{title}</h2>
      {children}
    </section>
  );
}

function Gallery() {
  const [mode, setMode] = useState('ask');
  const [asked, setAsked] = useState(false);
  const [selected, setSelected] = useState<string | null>('3');
  const lines = useMemo(() => {
    const source = new Lines();
    source.add(200);
    return source;
  }, []);
  const flood = () => {
    const started = performance.now();
    const step = () => {
      lines.add(33);
      if (performance.now() - started < 3000) requestAnimationFrame(step);
    };
    step();
  };
  Object.assign(window, { flood, lines });
  return (
    <div className={s.page}>
      <Section title="Statuses">
        <div className={s.row}>
          {SIGN_NAMES.map((sign) => (
            <StatusText key={sign} sign={sign} at={now - 240_000} variant="pill" />
          ))}
        </div>
        <div className={s.row}>
          {SIGN_NAMES.map((sign) => (
            <StatusSign key={sign} sign={sign} size="lg" label={sign} />
          ))}
        </div>
        <StatusText sign="running" word="Runs cargo test --workspace" at={now - 6000} variant="line" size="xs" />
      </Section>
      <Section title="Agents and priorities">
        <div className={s.row}>
          {NAMES.map((name) => (
            <span key={name} className={s.row}>
              <Monogram name={name} size="sm" />
              <Monogram name={name} />
              {name}
            </span>
          ))}
          <Monogram name={null} />
          <Monogram name="Reviewer" size="lg" />
        </div>
        <div className={s.row}>
          <PriorityBars priority="low" />
          <PriorityBars priority="medium" />
          <PriorityBars priority="high" />
          <PriorityBars priority="critical" />
        </div>
      </Section>
      <Section title="Controls">
        <div className={s.row}>
          <Button variant="primary" icon="plus" combo="C">
            New task
          </Button>
          <Button>Discard</Button>
          <Button variant="quiet">Cancel</Button>
          <Button variant="danger">Delete…</Button>
          <Button pending>Saving</Button>
          <Button disabled>Off</Button>
          <Button size="sm" icon="refresh">
            Look again
          </Button>
          <Button size="lg" variant="primary">
            Run the sample
          </Button>
          <IconButton icon="filter" label="Filter" />
          <IconButton icon="pause" label="Pause all" variant="default" />
        </div>
        <div className={s.row}>
          <Segmented
            label="Mode"
            value={mode}
            onChange={setMode}
            options={[
              { value: 'plan', label: 'Plan' },
              { value: 'ask', label: 'Ask' },
              { value: 'free', label: 'Edit freely' },
            ]}
          />
          <Switch aria-label="On" defaultChecked />
          <Switch aria-label="Off" />
          <Checkbox aria-label="Ticked" defaultChecked />
          <Checkbox aria-label="Not ticked" />
          <KeyHint combo="Mod+K" />
          <Menu opened={false}>
            <Menu.Target>
              <Button iconRight="arrowDown">All projects</Button>
            </Menu.Target>
          </Menu>
        </div>
        <Field label="Name" hint="Its folder is made from it.">
          <TextInput defaultValue="Reviewer" />
        </Field>
        <Field label="Deadline" error="November has 30 days; write a date such as 2026-11-30.">
          <TextInput defaultValue="2026-11-31" />
        </Field>
        <Field label="Runtime">
          <Select data={['runbook', 'claude']} defaultValue="runbook" allowDeselect={false} />
        </Field>
        <Field label="Prompt" layout="top">
          <Textarea rows={2} defaultValue="You review the changes of other agents." />
        </Field>
      </Section>
      <Section title="Banners">
        <Banner
          tone="error"
          title="This task file has an error in line 5"
          file="registry/tasks/2026-11/0142-rate-limit.md"
          excerpt={{
            line: 5,
            column: 11,
            lines: [
              { number: 4, text: 'priority: high' },
              { number: 5, text: 'deadline: 2026-11-31' },
              { number: 6, text: 'depends_on: [0139]' },
            ],
          }}
          actions={
            <>
              <Button icon="open">Open at line 5</Button>
              <Button variant="quiet">Read it again</Button>
            </>
          }
          onClose={() => undefined}
        >
          November has 30 days. Write a date such as <code>2026-11-30</code>; the task does not start until then.
        </Banner>
        <Banner
          tone="warning"
          title="No word from Backend for 4 minutes; its process uses no CPU."
          actions={<Button size="sm">Restart…</Button>}
        />
        <Banner
          tone="info"
          title={
            <>
              Nox ended while <code>npm publish</code> ran: result unknown, not repeated.
            </>
          }
          actions={<Button size="sm">See what it did</Button>}
        />
      </Section>
      <Section title="Nothing here, not yet here">
        <div className={s.box}>
          <EmptyState
            title="No tasks yet"
            picture={
              <>
                <EmptyBox>
                  <StatusSign sign="todo" />
                </EmptyBox>
                <EmptyBox>
                  <StatusSign sign="running" />
                </EmptyBox>
                <EmptyBox>
                  <StatusSign sign="done" />
                </EmptyBox>
              </>
            }
            actions={
              <>
                <Button variant="primary" icon="plus" combo="C">
                  New task
                </Button>
                <Button icon="play">Run the sample</Button>
              </>
            }
          >
            Write one, or drop files, a folder, text or a link here. A Markdown file with commands runs as it is.
          </EmptyState>
        </div>
        <div className={s.cards}>
          <SkeletonCard />
          <SkeletonCard />
        </div>
        <SkeletonRows count={3} double />
      </Section>
      <Section title="Code and output">
        <Command text={'cargo add backoff@0.4.0 --package imports && \\\n  cargo test -p imports != "done"'} />
        <CodeBlock text={'fn main() {\n    println!("=> != ->");\n}'} />
        <div className={s.terminal}>
          <Terminal source={lines} height={4} live />
        </div>
        <div className={s.tall}>
          <Terminal source={lines} live />
        </div>
        <div className={s.row}>
          <Button onClick={() => lines.add(1)}>One line</Button>
          <Button onClick={flood}>2,000 lines a second</Button>
        </div>
      </Section>
      <Section title="Prose">
        <Markdown text={PROSE} onOpenLink={() => undefined} />
      </Section>
      <Section title="Lists, messages, dialogs">
        <div className={s.list}>
          <VirtualList
            label="Sessions"
            items={Array.from({ length: 500 }, (_, index) => ({ id: String(index) }))}
            idOf={(item) => item.id}
            rowHeight={48}
            selected={selected}
            onSelect={setSelected}
            render={(item) => (
              <div className={s.two}>
                <Monogram name={NAMES[Number(item.id) % NAMES.length]} />
                <div>
                  <div className={s.name}>Retry with backoff for bank imports {item.id}</div>
                  <StatusText
                    sign={SIGN_NAMES[Number(item.id) % SIGN_NAMES.length] ?? 'idle'}
                    at={now - Number(item.id) * 77_000}
                    variant="line"
                    size="xs"
                  />
                </div>
              </div>
            )}
          />
        </div>
        <div className={s.row}>
          <Button onClick={() => toast({ text: 'Task deleted: Move invoice PDFs', undo: () => undefined })}>
            Done, with Undo
          </Button>
          <Button
            onClick={() =>
              toast({
                text: 'Not saved: the disk is full',
                detail: 'Your text is kept here. Free 20 MB, then try again.',
                sign: 'failed',
                action: { label: 'Try again', run: () => undefined },
              })
            }
          >
            Failed
          </Button>
          <Button onClick={() => setAsked(true)}>Ask</Button>
        </div>
        <ConfirmDialog
          opened={asked}
          question="Stop all 4 running sessions?"
          stay="Keep running"
          go="Stop 4 sessions"
          onStay={() => setAsked(false)}
          onGo={() => setAsked(false)}
        >
          Their worktrees and all they said are kept. Each can be resumed; what runs now is ended.
        </ConfirmDialog>
      </Section>
      <Section title="Signs for things" wide>
        <div className={s.row}>
          <Mark />
          {ICON_NAMES.map((name) => (
            <span key={name} className={s.icon} title={name}>
              <Icon name={name} />
              <Icon name={name} size="sm" />
            </span>
          ))}
        </div>
      </Section>
      <Toasts />
    </div>
  );
}

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <MantineProvider theme={theme} cssVariablesResolver={resolver} defaultColorScheme="auto">
      <Gallery />
    </MantineProvider>,
  );
}
