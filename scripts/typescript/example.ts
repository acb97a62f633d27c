// What is compiled while the snapshot is made: it leads the compiler through its common paths.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

interface Named {
  readonly name: string;
}

type Shape = { kind: "circle"; radius: number } | { kind: "square"; side: number };

enum Colour {
  Red,
  Green,
}

abstract class Base<T extends Named> {
  protected items: T[] = [];
  abstract describe(item: T): string;
  get size(): number {
    return this.items.length;
  }
}

class People extends Base<Named> implements Named {
  static #count = 0;
  constructor(readonly name: string, private age?: number) {
    super();
    People.#count += this.age ?? 1;
  }
  override describe({ name, ...rest }: Named): string {
    return `${name} ${Object.keys(rest).length} ${People.#count}`;
  }
  async greet(): Promise<string> {
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
    return this.items.map((item) => this.describe(item)).join(", ");
  }
}

function area(shape: Shape): number {
  switch (shape.kind) {
    case "circle":
      return Math.PI * shape.radius ** 2;
    case "square":
      return shape.side * shape.side;
  }
}

function* count(to: number): Generator<number> {
  for (let n = 0; n < to; n++) yield n;
}

export const sorted = <T extends Named>(list: readonly T[]): T[] =>
  [...list].sort((a, b) => a.name.localeCompare(b.name));

const groups = new Map<string, Partial<Record<keyof Named, number[]>>>();
const lines = createInterface({ input: process.stdin });
lines.on("line", (line: string) => console.log(line.toUpperCase(), line.split(" ").map(Number)));

try {
  console.log(area({ kind: "circle", radius: 1 }), [...count(3)].filter(Boolean).reduce((a, b) => a + b, 0));
  console.log(JSON.stringify(Object.entries({ a: 1 })), new Date().toISOString(), new Set([1]), Colour[0]);
  console.log(readFileSync("/dev/null", "utf8").match(/x+/g)?.length, groups.size, sorted([new People("x")]));
} catch (error) {
  if (error instanceof Error) console.error(error.message, error as unknown);
  process.exit(1);
}
void new People("y").greet().then(console.log);
