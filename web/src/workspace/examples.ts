// Programs to begin with, for each language; fetched when somebody asks for them. Every one of them
// is run by the tests in the browser.
import type { Project } from './project';

/** A program to begin with. */
export interface Example {
  readonly title: string;
  /** The text of each file. The first one is the one to start with. */
  readonly files: Readonly<Record<string, string>>;
  readonly mode: Project['mode'];
  readonly stdin?: string;
  readonly args?: string;
}

const ASK = 'Ask for a name';
const SUM = 'Add up numbers';
const NUMBERS = '3\n14\n25\n';

/** A program that asks, and one that reads all of its input. */
const pair = (file: string, ask: string, sum: string): readonly Example[] => [
  { title: ASK, files: { [file]: ask }, mode: 'terminal' },
  { title: SUM, files: { [file]: sum }, mode: 'pipes', stdin: NUMBERS },
];

export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  python: [
    ...pair(
      'main.py',
      'name = input("What is your name? ")\nprint(f"Hello, {name}!")\n',
      'import sys\n\nprint(sum(int(line) for line in sys.stdin))\n',
    ),
    {
      title: 'Draw in the terminal',
      mode: 'terminal',
      files: {
        'main.py':
          'import curses\nimport time\n\n\ndef main(screen):\n    curses.curs_set(0)\n    height, width = screen.getmaxyx()\n    x, y, dx, dy = 1, 1, 1, 1\n    screen.nodelay(True)\n    for _ in range(120):\n        screen.erase()\n        screen.border()\n        screen.addstr(0, 2, " q ends it ")\n        screen.addstr(y, x, "o", curses.A_BOLD)\n        screen.refresh()\n        if screen.getch() == ord("q"):\n            break\n        dx = -dx if not 1 < x + dx < width - 2 else dx\n        dy = -dy if not 1 < y + dy < height - 2 else dy\n        x, y = x + dx, y + dy\n        time.sleep(0.03)\n\n\ncurses.wrapper(main)\nprint("Bye!")\n',
      },
    },
    {
      title: 'Two files',
      mode: 'terminal',
      files: {
        'main.py': 'from shapes import Circle\n\nfor radius in range(1, 4):\n    print(f"{Circle(radius).area():.2f}")\n',
        'shapes.py': 'import math\n\n\nclass Circle:\n    def __init__(self, radius):\n        self.radius = radius\n\n    def area(self):\n        return math.pi * self.radius**2\n',
      },
    },
  ],
  javascript: pair(
    'main.js',
    "const readline = require('node:readline');\n\nconst lines = readline.createInterface({ input: process.stdin, output: process.stdout });\nlines.question('What is your name? ', (name) => {\n  console.log(`Hello, ${name}!`);\n  lines.close();\n});\n",
    "const numbers = require('node:fs').readFileSync(0, 'utf8').trim().split('\\n').map(Number);\nconsole.log(numbers.reduce((sum, number) => sum + number, 0));\n",
  ),
  typescript: pair(
    'main.ts',
    "process.stdout.write('What is your name? ');\nprocess.stdin.once('data', (line: { toString(): string }) => {\n  const name: string = line.toString().trim();\n  console.log(`Hello, ${name}!`);\n  process.stdin.destroy();\n});\n",
    "let text = '';\nprocess.stdin.on('data', (chunk: { toString(): string }) => {\n  text += chunk.toString();\n});\nprocess.stdin.on('end', () => {\n  const numbers: number[] = text.trim().split('\\n').map(Number);\n  console.log(numbers.reduce((sum, number) => sum + number, 0));\n});\n",
  ),
  c: pair(
    'main.c',
    '#include <stdio.h>\n\nint main(void) {\n    char name[100];\n    printf("What is your name? ");\n    fflush(stdout);\n    if (scanf("%99s", name) == 1) printf("Hello, %s!\\n", name);\n    return 0;\n}\n',
    '#include <stdio.h>\n\nint main(void) {\n    long sum = 0, number;\n    while (scanf("%ld", &number) == 1) sum += number;\n    printf("%ld\\n", sum);\n    return 0;\n}\n',
  ),
  cpp: pair(
    'main.cpp',
    '#include <iostream>\n#include <string>\n\nint main() {\n    std::string name;\n    std::cout << "What is your name? " << std::flush;\n    std::getline(std::cin, name);\n    std::cout << "Hello, " << name << "!\\n";\n}\n',
    '#include <iostream>\n#include <iterator>\n#include <numeric>\n\nint main() {\n    std::istream_iterator<long> first(std::cin), last;\n    std::cout << std::accumulate(first, last, 0L) << "\\n";\n}\n',
  ),
  java: pair(
    'Main.java',
    'import java.util.Scanner;\n\npublic class Main {\n    public static void main(String[] args) {\n        System.out.print("What is your name? ");\n        System.out.flush();\n        String name = new Scanner(System.in).nextLine();\n        System.out.println("Hello, " + name + "!");\n    }\n}\n',
    'import java.util.Scanner;\n\npublic class Main {\n    public static void main(String[] args) {\n        Scanner numbers = new Scanner(System.in);\n        long sum = 0;\n        while (numbers.hasNextLong()) sum += numbers.nextLong();\n        System.out.println(sum);\n    }\n}\n',
  ),
  go: pair(
    'main.go',
    'package main\n\nimport (\n\t"bufio"\n\t"fmt"\n\t"os"\n\t"strings"\n)\n\nfunc main() {\n\tfmt.Print("What is your name? ")\n\tname, _ := bufio.NewReader(os.Stdin).ReadString(\'\\n\')\n\tfmt.Printf("Hello, %s!\\n", strings.TrimSpace(name))\n}\n',
    'package main\n\nimport "fmt"\n\nfunc main() {\n\tsum, number := 0, 0\n\tfor {\n\t\tif _, err := fmt.Scan(&number); err != nil {\n\t\t\tbreak\n\t\t}\n\t\tsum += number\n\t}\n\tfmt.Println(sum)\n}\n',
  ),
  rust: pair(
    'main.rs',
    'use std::io::Write;\n\nfn main() -> std::io::Result<()> {\n    print!("What is your name? ");\n    std::io::stdout().flush()?;\n    let mut name = String::new();\n    std::io::stdin().read_line(&mut name)?;\n    println!("Hello, {}!", name.trim());\n    Ok(())\n}\n',
    'fn main() {\n    let lines = std::io::stdin().lines().map_while(Result::ok);\n    let sum: i64 = lines.filter_map(|line| line.trim().parse::<i64>().ok()).sum();\n    println!("{sum}");\n}\n',
  ),
  php: pair(
    'main.php',
    '<?php\necho "What is your name? ";\n$name = trim(fgets(STDIN));\necho "Hello, $name!\\n";\n',
    '<?php\n$sum = 0;\nwhile (($line = fgets(STDIN)) !== false) {\n    $sum += (int) $line;\n}\necho $sum, "\\n";\n',
  ),
  ruby: pair(
    'main.rb',
    'print "What is your name? "\n$stdout.flush\nname = gets.chomp\nputs "Hello, #{name}!"\n',
    'puts $stdin.each_line.sum(&:to_i)\n',
  ),
  bash: pair(
    'main.sh',
    'read -r -p "What is your name? " name\necho "Hello, $name!"\n',
    'sum=0\nwhile read -r number; do\n  ((sum += number))\ndone\necho "$sum"\n',
  ),
  sql: [
    {
      title: 'A table and a query',
      mode: 'terminal',
      files: {
        'main.sql':
          "CREATE TABLE cities (name TEXT, country TEXT, people INTEGER);\nINSERT INTO cities VALUES ('Oslo', 'Norway', 717710), ('Bergen', 'Norway', 291940), ('Turku', 'Finland', 201863);\n\nSELECT country, count(*) AS cities, sum(people) AS people\nFROM cities GROUP BY country ORDER BY people DESC;\n",
      },
    },
  ],
};

/** A project that begins with an example; limits stay as they were. */
export function begun(now: Project, example: Example): Project {
  const files = Object.entries(example.files).map(([name, text]) => ({ name, content: { text } }));
  const active = files[0]?.name ?? '';
  return { ...now, files, active, entry: active, args: example.args ?? '', stdin: example.stdin ?? '', mode: example.mode };
}
