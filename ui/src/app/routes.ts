// The addresses of the window, in one place: features link to each other only by these. Everything that a person would
// want back after a reload stands in them.

const query = (parts: Record<string, string | undefined>): string => {
  const given = Object.entries(parts).filter((part): part is [string, string] => Boolean(part[1]));
  return given.length ? `?${new URLSearchParams(given)}` : '';
};

export const routes = {
  /** `task` is the card whose details are open, `create` opens the form of a new task. */
  board: (view: { project?: string; task?: string; create?: boolean } = {}) =>
    `/board${query({ project: view.project, task: view.task, create: view.create ? 'task' : undefined })}`,
  sessions: () => '/sessions',
  session: (id: string) => `/sessions/${encodeURIComponent(id)}`,
  approvals: () => '/approvals',
  approval: (id: string) => `/approvals/${encodeURIComponent(id)}`,
  agents: () => '/agents',
  agent: (id: string) => `/agents/${encodeURIComponent(id)}`,
  processes: () => '/processes',
  recovery: () => '/recovery',
  settings: (section?: string) => `/settings${section ? `/${section}` : ''}`,
  welcome: () => '/welcome',
};
