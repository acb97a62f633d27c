import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import { followLink } from './app/link';
import { begin } from './app/state';
import './index.css';

begin();
void followLink();
const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
