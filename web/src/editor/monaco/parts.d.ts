// Parts of Monaco that it publishes without types; they are loaded here, and used by nobody.
declare module 'monaco-editor/editor/browser/*';
declare module 'monaco-editor/editor/common/*';
declare module 'monaco-editor/editor/standalone/*';
