import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import { begin } from './app/state';
import './index.css';

begin();
const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
