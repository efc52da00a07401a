import { ExpressAdapter } from '@bull-board/express';

/** The part of Express that is used here. */
interface ViewApp {
  readonly engines: Readonly<Record<string, Render>>;
  engine(name: string, render: Render): void;
  disable(setting: string): void;
}

type Render = (path: string, options: object, done: Rendered) => void;
type Rendered = (error: unknown, html?: string) => void;

/** The board's page asks another host for its fonts; ours asks nobody and is shown in those of the machine. */
export class BoardPages extends ExpressAdapter {
  override setViewsPath(path: string): ExpressAdapter {
    super.setViewsPath(path);
    const app = this.app as unknown as ViewApp;
    const render = app.engines['.ejs'];
    if (render !== undefined) app.engine('ejs', withoutOtherHosts(render));
    app.disable('x-powered-by');
    return this;
  }
}

function withoutOtherHosts(render: Render): Render {
  return (path, options, done) => {
    render(path, options, (error, html) => {
      done(
        error,
        html?.replace(/<(?:link|script)\b[^>]*(?:href|src)="(?:https?:)?\/\/[^>]*>/gi, ''),
      );
    });
  };
}
