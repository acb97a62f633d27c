import { describe, expect, it } from 'vitest';
import { diagnostics } from '../src/run/diagnostics';

const cases: [string, string, string[], { file: string; line: number; column: number | null; severity: string; message: string }][] = [
  ['gcc', "main.c:3:5: error: expected ';' before '}' token\n    3 |   x\n", ['main.c'], { file: 'main.c', line: 3, column: 5, severity: 'error', message: "expected ';' before '}' token" }],
  ['gcc warnings', '/work/main.cpp:7:9: warning: unused variable ‘x’ [-Wunused-variable]\n', ['main.cpp'], { file: 'main.cpp', line: 7, column: 9, severity: 'warning', message: 'unused variable ‘x’ [-Wunused-variable]' }],
  ['rustc', 'error[E0425]: cannot find value `x` in this scope\n --> main.rs:2:5\n  |\n2 |     x\n', ['main.rs'], { file: 'main.rs', line: 2, column: 5, severity: 'error', message: 'error[E0425]: cannot find value `x` in this scope' }],
  ['rust panics', "thread 'main' panicked at main.rs:4:9:\nindex out of bounds\n", ['main.rs'], { file: 'main.rs', line: 4, column: 9, severity: 'error', message: 'index out of bounds' }],
  ['javac', "Main.java:3: error: ';' expected\n        int x = 1\n", ['Main.java'], { file: 'Main.java', line: 3, column: null, severity: 'error', message: "';' expected" }],
  ['java', 'Exception in thread "main" java.lang.ArithmeticException: / by zero\n\tat Main.main(Main.java:5)\n', ['Main.java'], { file: 'Main.java', line: 5, column: null, severity: 'error', message: 'Exception in thread "main" java.lang.ArithmeticException: / by zero' }],
  ['go', './main.go:6:2: undefined: fmt\n', ['main.go'], { file: 'main.go', line: 6, column: 2, severity: 'error', message: 'undefined: fmt' }],
  ['go panics', 'panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/work/main.go:4 +0x25\nexit status 2\n', ['main.go'], { file: 'main.go', line: 4, column: null, severity: 'error', message: 'panic: boom' }],
  ['tsc', "main.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.\n", ['main.ts'], { file: 'main.ts', line: 3, column: 5, severity: 'error', message: "TS2322: Type 'string' is not assignable to type 'number'." }],
  ['node', '/work/main.js:2\nconst x = ;\n          ^\n\nSyntaxError: Unexpected token\n', ['main.js'], { file: 'main.js', line: 2, column: null, severity: 'error', message: 'SyntaxError: Unexpected token' }],
  ['python', 'Traceback (most recent call last):\n  File "/work/main.py", line 2, in <module>\n    1/0\nZeroDivisionError: division by zero\n', ['main.py'], { file: 'main.py', line: 2, column: null, severity: 'error', message: 'ZeroDivisionError: division by zero' }],
  ['php', 'PHP Parse error:  syntax error, unexpected end of file in /work/main.php on line 3\n', ['main.php'], { file: 'main.php', line: 3, column: null, severity: 'error', message: 'syntax error, unexpected end of file' }],
  ['ruby', "main.rb:3:in `<main>': undefined local variable or method `x' (NameError)\n", ['main.rb'], { file: 'main.rb', line: 3, column: null, severity: 'error', message: "undefined local variable or method `x' (NameError)" }],
  ['bash', 'main.sh: line 4: foo: command not found\n', ['main.sh'], { file: 'main.sh', line: 4, column: null, severity: 'error', message: 'foo: command not found' }],
  ['sqlite', 'Parse error near line 2: no such table: t\n', ['main.sql'], { file: 'main.sql', line: 2, column: null, severity: 'error', message: 'no such table: t' }],
];

describe('diagnostics', () => {
  it.each(cases)('%s', (_, output, files, expected) => {
    const found = diagnostics(output, files, files[0] ?? '');
    expect(found[0]).toEqual(expected);
  });

  it('leaves other files and plain text alone', () => {
    expect(diagnostics('/usr/include/stdio.h:3:5: error: no\nat 12:30:05 all is well\n', ['main.c'], 'main.c')).toEqual([]);
  });

  it('names each place once, and never thousands', () => {
    const same = 'main.c:1:1: error: no\n'.repeat(50);
    expect(diagnostics(same, ['main.c'], 'main.c')).toHaveLength(1);
    const many = Array.from({ length: 5000 }, (_, n) => `main.c:${n + 1}:1: error: no\n`).join('');
    expect(diagnostics(many, ['main.c'], 'main.c')).toHaveLength(200);
  });
});
