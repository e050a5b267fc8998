// How dangerous a call looks: sign and word, in the colour that goes with it.
import type { Risk } from '../../bindings/nox';
import { cx } from '../cx';
import { Icon } from '../icons/icons';
import { RISK_WORDS } from '../words';
import s from './Permission.module.css';

export function RiskWord({ risk, suffix = '' }: { risk: Risk; suffix?: string | undefined }) {
  return (
    <span className={cx(s.riskWord, s[risk])}>
      <Icon name={risk === 'low' ? 'eye' : 'warning'} size="sm" />
      {RISK_WORDS[risk]}
      {suffix}
    </span>
  );
}
