// Programs and model servers of this computer, each with what is known of it and one click that makes an agent of it.
// It is given what was found and what to do; the first page and Settings show the same.
import { NativeSelect } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import { routes } from '@/app/routes';
import type { Agent, AgentOffer, Discovered, FoundProgram, FoundServer } from '../../bindings/nox';
import { Button } from '../controls/Button';
import { Icon } from '../icons/icons';
import { Monogram } from '../identity/Monogram';
import { StatusSign } from '../status/StatusSign';
import { CopyButton } from '../text/CopyButton';
import { useHeldFocus } from '../useHeldFocus';
import s from './Found.module.css';
import { FOUND } from './text';

export interface FoundListProps {
  found: Discovered;
  /** The name of what is being added. */
  pending: string | null;
  onAdd: (offer: AgentOffer, model: string | null) => void;
  /** The agent that there is already. */
  made: (offer: AgentOffer, model: string | null) => Agent | undefined;
}

export function FoundList({ found, ...rest }: FoundListProps) {
  const here = found.programs.filter(({ path }) => path !== null);
  const missing = found.programs.filter(({ path }) => path === null);
  const nothing = here.length === 0 && found.servers.length === 0;
  return (
    <div className={s.found}>
      {nothing ? (
        <p className={s.nothing}>
          <b>{FOUND.nothing}</b> {FOUND.nothingHint}
        </p>
      ) : (
        <ul className={s.list} aria-label={FOUND.list}>
          {here.map((program) => (
            <Program key={program.id} program={program} {...rest} />
          ))}
          {found.servers.map((server) => (
            <Server key={server.address} server={server} {...rest} />
          ))}
        </ul>
      )}
      {missing.length > 0 && <Missing programs={missing} opened={nothing} />}
    </div>
  );
}

type RowProps = Omit<FoundListProps, 'found'>;

function Program({ program, pending, onAdd, made }: RowProps & { program: FoundProgram }) {
  const { title, version, is_tested, sign_in, path, warning, next, agent } = program;
  const facts = [version ?? FOUND.noVersion, FOUND.signIn(sign_in)];
  return (
    <Row
      title={title}
      facts={facts.join(' · ')}
      place={path}
      hints={[warning, next]}
      sign={warning && is_tested !== true ? 'needs_you' : undefined}
    >
      <Add title={title} agent={made(agent, null)} pending={pending === agent.name} onAdd={() => onAdd(agent, null)} />
    </Row>
  );
}

function Server({ server, pending, onAdd, made }: RowProps & { server: FoundServer }) {
  const { title, address, models, next, agent } = server;
  const [model, setModel] = useState(models[0] ?? null);
  return (
    <Row title={title} facts={FOUND.models(models.length)} place={address} hints={[next]}>
      {model !== null && (
        <>
          <NativeSelect
            className={s.model}
            aria-label={FOUND.model(title)}
            data={models}
            value={model}
            onChange={(event) => setModel(event.currentTarget.value)}
          />
          <Add title={model} agent={made(agent, model)} pending={pending === model} onAdd={() => onAdd(agent, model)} />
        </>
      )}
    </Row>
  );
}

interface ContentProps {
  title: string;
  facts: string;
  place: string | null;
  hints: (string | null)[];
  sign?: 'needs_you' | undefined;
  children: ReactNode;
}

function Row({ title, facts, place, hints, sign, children }: ContentProps) {
  const texts = hints.filter((hint) => hint !== null);
  return (
    <li className={s.row}>
      <Monogram name={title} />
      <span className={s.words}>
        <b>{title}</b>
        <span className={s.facts}>
          {facts}
          {place && (
            <span className={s.place} title={place}>
              {' · '}
              {FOUND.place(place)}
            </span>
          )}
        </span>
      </span>
      <span className={s.end}>{children}</span>
      {texts.length > 0 && (
        <ul className={s.hints}>
          {texts.map((text, index) => (
            <li key={text}>
              {sign && index === 0 ? <StatusSign sign={sign} size="sm" /> : <Icon name="arrowRight" size="sm" />}
              <span data-selectable>{text}</span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

interface AddProps {
  title: string;
  agent: Agent | undefined;
  pending: boolean;
  onAdd: () => void;
}

function Add({ title, agent, pending, onAdd }: AddProps) {
  const link = useRef<HTMLAnchorElement>(null);
  const focus = useHeldFocus();
  const made = agent !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at when the link has come in the place of the button.
  useEffect(() => focus.catchBy(link.current), [made]);
  if (agent) {
    return (
      <Link ref={link} className={s.open} href={routes.agent(agent.id)} aria-label={FOUND.openIt(agent.name)}>
        <StatusSign sign="done" size="sm" />
        {FOUND.open}
      </Link>
    );
  }
  return (
    <Button icon="plus" pending={pending} aria-label={FOUND.addIt(title)} onClick={onAdd} {...focus.watch}>
      {FOUND.add}
    </Button>
  );
}

/** Programs that are not here, and how to get them. */
function Missing({ programs, opened }: { programs: FoundProgram[]; opened: boolean }) {
  return (
    <details className={s.missing} open={opened}>
      <summary>{opened ? FOUND.known(programs.length) : FOUND.more(programs.length)}</summary>
      <ul aria-label={FOUND.missing}>
        {programs.map(({ id, title, install }) => (
          <li key={id}>
            <span>{title}</span>
            <code data-selectable>{install}</code>
            <CopyButton text={install} label={FOUND.copy(title)} />
          </li>
        ))}
      </ul>
    </details>
  );
}
