// The TypeScript compiler as a program that starts ready: `scripts/build-typescript` puts this text
// behind TypeScript's own and keeps the state after the first part below in a snapshot, which
// Node.js continues from. Compiling a small program then takes a quarter of the CPU time of `tsc`,
// which parses and binds the declarations of the language and of Node.js every time.
//
// Takes options and files like `tsc`; messages and exit codes are those of `tsc --pretty false`.
"use strict";

/* global ts, require, process */
(() => {
  const { startupSnapshot } = require("v8");
  const fs = require("fs");

  // Where the folder that the snapshot is made in will be seen in the jail.
  const INSIDE = "/opt/typescript";
  const LIBRARY = `${INSIDE}/node_modules/typescript/lib`;

  const OPTIONS = [
    "--target", "es2022",
    "--lib", "es2023",
    "--module", "nodenext",
    "--strict",
    "--skipLibCheck",
    "--noEmitOnError",
    "--inlineSourceMap",
    "--typeRoots", `${INSIDE}/node_modules/@types`,
    "--types", "node",
  ];

  // Declarations that were parsed and bound while the snapshot was made.
  const known = new Map();

  function hostFor(options) {
    const host = ts.createCompilerHost(options);
    const parse = host.getSourceFile;
    host.getCurrentDirectory = () => process.cwd();
    host.getDefaultLibLocation = () => LIBRARY;
    host.getDefaultLibFileName = (of) => `${LIBRARY}/${ts.getDefaultLibFileName(of)}`;
    host.getSourceFile = (name, ...rest) => known.get(name) ?? parse(name, ...rest);
    return host;
  }

  // Compiles a program that uses a bit of everything, with the folder seen as it will be in the
  // jail, so that the declarations are in memory and the compiler's code has run once.
  function prepare(folder) {
    const main = "/box/main.ts";
    const text = fs.readFileSync(`${folder}/example.ts`, "utf8");
    const real = (path) => (path.startsWith(INSIDE) ? folder + path.slice(INSIDE.length) : undefined);
    const stat = (path) => (real(path) ? fs.statSync(real(path), { throwIfNoEntry: false }) : undefined);

    const { options } = ts.parseCommandLine(OPTIONS);
    const host = hostFor(options);
    host.getCurrentDirectory = () => "/box";
    host.realpath = (path) => path;
    host.fileExists = (path) => path === main || Boolean(stat(path)?.isFile());
    host.directoryExists = (path) => path === "/box" || Boolean(stat(path)?.isDirectory());
    host.getDirectories = (path) => fs.readdirSync(real(path)).filter((name) => stat(`${path}/${name}`).isDirectory());
    host.readFile = (path) => (path === main ? text : host.fileExists(path) ? fs.readFileSync(real(path), "utf8") : undefined);
    host.writeFile = () => {};
    host.getSourceFile = (name, options) => {
      const text = host.readFile(name);
      if (text === undefined) return undefined;
      const file = ts.createSourceFile(name, text, options);
      if (name !== main) known.set(name, file);
      return file;
    };

    const program = ts.createProgram([main], options, host);
    const problems = ts.getPreEmitDiagnostics(program);
    if (problems.length > 0) throw new Error(ts.formatDiagnostics(problems, host));
    program.emit();
  }

  function compile(args) {
    const command = ts.parseCommandLine([...OPTIONS, ...args]);
    const host = hostFor(command.options);
    const program = ts.createProgram(command.fileNames, command.options, host);
    const problems = [...command.errors, ...ts.getPreEmitDiagnostics(program)];
    const emitted = command.errors.length > 0 ? { emitSkipped: true, diagnostics: [] } : program.emit();
    const all = ts.sortAndDeduplicateDiagnostics([...problems, ...emitted.diagnostics]);
    process.stdout.write(ts.formatDiagnostics(all, host));
    const hasErrors = all.some((problem) => problem.category === ts.DiagnosticCategory.Error);
    process.exitCode = !hasErrors ? 0 : emitted.emitSkipped ? 1 : 2;
  }

  prepare(process.argv[2]);
  startupSnapshot.setDeserializeMainFunction(() => {
    const args = process.argv.slice(1);
    if (args.includes("--version")) console.log(`Version ${ts.version}`);
    else compile(args);
  });
})();
