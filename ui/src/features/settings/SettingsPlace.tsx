// The place “Settings”: all sections on one page, and a list at the left that goes to them.
import { useEffect } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { routes } from '@/app/routes';
import { useActions } from '@/components/actions/registry';
import { cx } from '@/components/cx';
import { Icon, type IconName } from '@/components/icons/icons';
import { Bar } from '@/components/layout/Bar';
import { Pane, PaneBody, Panes } from '@/components/layout/Panes';
import { AboutSection } from './AboutSection';
import { AppearanceSection } from './AppearanceSection';
import { DataSection } from './DataSection';
import { DoctorSection } from './DoctorSection';
import { GeneralSection } from './GeneralSection';
import { KeysSection } from './KeysSection';
import { ProgramsSection } from './ProgramsSection';
import { ProjectsSection } from './ProjectsSection';
import { SessionsSection } from './SessionsSection';
import s from './Settings.module.css';
import { SETTINGS } from './text';

interface Section {
  id: string;
  title: string;
  icon: IconName;
  Body: React.ComponentType;
}

const SECTIONS: readonly [Section, ...Section[]] = [
  { id: 'general', title: SETTINGS.general, icon: 'settings', Body: GeneralSection },
  { id: 'sessions', title: SETTINGS.sessionsTitle, icon: 'sessions', Body: SessionsSection },
  { id: 'programs', title: SETTINGS.programs, icon: 'agents', Body: ProgramsSection },
  { id: 'appearance', title: SETTINGS.appearance, icon: 'eye', Body: AppearanceSection },
  { id: 'keys', title: SETTINGS.keys, icon: 'key', Body: KeysSection },
  { id: 'projects', title: SETTINGS.projects, icon: 'folder', Body: ProjectsSection },
  { id: 'data', title: SETTINGS.data, icon: 'document', Body: DataSection },
  { id: 'doctor', title: SETTINGS.doctor, icon: 'activity', Body: DoctorSection },
  { id: 'about', title: SETTINGS.about, icon: 'shield', Body: AboutSection },
];

export function SettingsPlace() {
  const { section } = useParams<{ section?: string }>();
  const [, navigate] = useLocation();
  const here = SECTIONS.find(({ id }) => id === section) ?? SECTIONS[0];
  useEffect(() => {
    if (!section) return;
    document.getElementById(`settings-${section}`)?.scrollIntoView({ block: 'start' });
  }, [section]);
  useActions(
    SECTIONS.map(({ id, title, icon }) => ({
      id: `settings.${id}`,
      label: SETTINGS.go(title),
      group: SETTINGS.title,
      icon,
      run: () => navigate(routes.settings(id)),
    })),
  );
  return (
    <Panes>
      <Pane label={SETTINGS.sections} kind="list" shown={false}>
        <Bar title={SETTINGS.title} />
        <PaneBody>
          <nav aria-label={SETTINGS.sections}>
            <ul className={s.sections}>
              {SECTIONS.map(({ id, title, icon }) => (
                <li key={id}>
                  <Link
                    href={routes.settings(id)}
                    className={cx(s.link, id === here.id && s.here)}
                    aria-current={id === here.id ? 'true' : undefined}
                  >
                    <Icon name={icon} size="sm" />
                    {title}
                  </Link>
                </li>
              ))}
            </ul>
          </nav>
        </PaneBody>
      </Pane>
      <Pane label={SETTINGS.title} kind="main">
        <Bar title={SETTINGS.title} level={2} className={s.onlyNarrow} />
        <PaneBody>
          <div className={s.page}>
            {SECTIONS.map(({ id, title, Body }) => (
              <section key={id} id={`settings-${id}`} className={s.section} aria-labelledby={`settings-${id}-title`}>
                <h2 id={`settings-${id}-title`}>{title}</h2>
                <Body />
              </section>
            ))}
          </div>
        </PaneBody>
      </Pane>
    </Panes>
  );
}
