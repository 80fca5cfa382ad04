import { render } from 'preact';
import { App } from './app.tsx';
import { connect } from './connection.ts';
import { markTab } from './frame/browser-tab.ts';
import { Model } from './model.ts';
import './page.css';
import './paint.css';

const root = document.querySelector('#app');
if (root) {
  const model = new Model((shown, view) => {
    render(<App model={model} shown={shown} view={view} />, root);
    markTab(shown);
  });
  connect(model);
}
