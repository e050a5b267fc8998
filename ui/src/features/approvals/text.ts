// Words of the place “Approvals”.
export const APPROVALS = {
  title: 'Approvals',
};
