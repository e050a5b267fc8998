// What an agent may use besides its own tools: MCP servers, and programs that a model is offered as tools.
import { NativeSelect, Textarea, TextInput } from '@mantine/core';
import { Button, IconButton } from '@/components/controls/Button';
import { Field } from '@/components/controls/Field';
import { StatusSign } from '@/components/status/StatusSign';
import type { AgentFormProps } from './AgentForm';
import s from './Agents.module.css';
import { KeyField } from './ProgramFields';
import { NO_SERVICE, type ServiceDraft } from './program';
import { SERVICES, TOOLS } from './text';

type PartProps = Pick<AgentFormProps, 'draft' | 'wrong' | 'onWrite'>;

function Problem({ text }: { text: string | undefined }) {
  if (!text) return null;
  return (
    <p className={s.problem} role="alert">
      <StatusSign sign="failed" size="sm" />
      {text}
    </p>
  );
}

export function Services({ draft, wrong, onWrite }: PartProps) {
  const put = (at: number, change: Partial<ServiceDraft>) =>
    onWrite({ services: draft.services.map((service, index) => (index === at ? { ...service, ...change } : service)) });
  return (
    <>
      <p className={s.lead}>{SERVICES.hint}</p>
      <Problem text={wrong.services} />
      {draft.services.map((service, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a service is told by its place until it has a name.
        <fieldset key={at} className={s.card} aria-label={service.name || SERVICES.unnamed}>
          <div className={s.cardHead}>
            <TextInput
              aria-label={SERVICES.name}
              placeholder={SERVICES.namePlaceholder}
              spellCheck={false}
              value={service.name}
              onChange={(event) => put(at, { name: event.currentTarget.value })}
            />
            <NativeSelect
              aria-label={SERVICES.kind}
              data={Object.entries(SERVICES.kinds).map(([value, label]) => ({ value, label }))}
              value={service.kind}
              onChange={(event) => put(at, { kind: event.currentTarget.value as ServiceDraft['kind'] })}
            />
            <IconButton
              icon="trash"
              label={SERVICES.remove(service.name)}
              onClick={() => onWrite({ services: draft.services.filter((_, index) => index !== at) })}
            />
          </div>
          {service.kind === 'command' ? (
            <>
              <Field label={SERVICES.command} layout="top">
                <TextInput
                  classNames={{ input: s.mono }}
                  placeholder="npx"
                  spellCheck={false}
                  value={service.command}
                  onChange={(event) => put(at, { command: event.currentTarget.value })}
                />
              </Field>
              <Field label={SERVICES.arguments} hint={SERVICES.argumentsHint} layout="top">
                <Textarea
                  classNames={{ input: s.mono }}
                  autosize
                  minRows={2}
                  maxRows={8}
                  spellCheck={false}
                  value={service.arguments}
                  onChange={(event) => put(at, { arguments: event.currentTarget.value })}
                />
              </Field>
              <Field label={SERVICES.environment} hint={SERVICES.environmentHint} layout="top">
                <Textarea
                  classNames={{ input: s.mono }}
                  autosize
                  minRows={1}
                  maxRows={8}
                  spellCheck={false}
                  placeholder="LOG_LEVEL=warn"
                  value={service.environment}
                  onChange={(event) => put(at, { environment: event.currentTarget.value })}
                />
              </Field>
            </>
          ) : (
            <>
              <Field label={SERVICES.address} layout="top">
                <TextInput
                  classNames={{ input: s.mono }}
                  placeholder="http://127.0.0.1:3000/mcp"
                  spellCheck={false}
                  value={service.address}
                  onChange={(event) => put(at, { address: event.currentTarget.value })}
                />
              </Field>
              <KeyField
                label={SERVICES.key}
                hint={SERVICES.keyHint}
                error={undefined}
                value={service.key}
                onWrite={(key) => put(at, { key })}
              />
            </>
          )}
        </fieldset>
      ))}
      <Button
        className={s.folder}
        icon="plus"
        onClick={() => onWrite({ services: [...draft.services, { ...NO_SERVICE }] })}
      >
        {SERVICES.add}
      </Button>
    </>
  );
}

export function Commands({ draft, wrong, onWrite }: PartProps) {
  const put = (at: number, change: Partial<(typeof draft.commands)[number]>) =>
    onWrite({ commands: draft.commands.map((tool, index) => (index === at ? { ...tool, ...change } : tool)) });
  return (
    <div className={s.part}>
      <h3>{TOOLS.title}</h3>
      <p className={s.lead}>{TOOLS.hint}</p>
      <Problem text={wrong.commands} />
      {draft.commands.map((tool, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a tool is told by its place until it has a name.
        <fieldset key={at} className={s.card} aria-label={tool.name || TOOLS.unnamed}>
          <div className={s.cardHead}>
            <TextInput
              aria-label={TOOLS.name}
              placeholder={TOOLS.namePlaceholder}
              spellCheck={false}
              value={tool.name}
              onChange={(event) => put(at, { name: event.currentTarget.value })}
            />
            <IconButton
              icon="trash"
              label={TOOLS.remove(tool.name)}
              onClick={() => onWrite({ commands: draft.commands.filter((_, index) => index !== at) })}
            />
          </div>
          <Field label={TOOLS.command} layout="top">
            <TextInput
              classNames={{ input: s.mono }}
              spellCheck={false}
              value={tool.command}
              onChange={(event) => put(at, { command: event.currentTarget.value })}
            />
          </Field>
          <Field label={TOOLS.readme} hint={TOOLS.readmeHint} layout="top">
            <Textarea
              autosize
              minRows={2}
              maxRows={8}
              value={tool.readme}
              onChange={(event) => put(at, { readme: event.currentTarget.value })}
            />
          </Field>
        </fieldset>
      ))}
      <Button
        className={s.folder}
        icon="plus"
        onClick={() => onWrite({ commands: [...draft.commands, { name: '', command: '', readme: '' }] })}
      >
        {TOOLS.add}
      </Button>
    </div>
  );
}
