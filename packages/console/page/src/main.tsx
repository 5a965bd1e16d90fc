import { render } from 'preact';

render(<h1>Intendant</h1>, document.getElementById('app') as HTMLElement);
