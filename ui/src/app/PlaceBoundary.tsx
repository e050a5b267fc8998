// Keeps a place that cannot be drawn from taking the window with it: the frame stays, and the place can be drawn again.
import { Component, type ReactNode } from 'react';
import { Button } from '@/components/controls/Button';
import { Banner } from '@/components/feedback/Banner';
import s from './Frame.module.css';
import { APP } from './text';

interface Props {
  place: string;
  children: ReactNode;
}

export class PlaceBoundary extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override componentDidCatch(error: unknown) {
    console.error(error);
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className={s.broken}>
        <Banner
          tone="error"
          title={APP.placeBroke(this.props.place)}
          actions={<Button onClick={() => this.setState({ error: null })}>{APP.drawAgain}</Button>}
        >
          <p>{APP.placeBrokeHint}</p>
          <code>{error.message}</code>
        </Banner>
      </div>
    );
  }
}
