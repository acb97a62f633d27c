//! Programs in C++ that make a difference where something is not as with the plain compiler.

/// A program.
#[derive(Clone, Copy)]
pub(crate) struct Written<'a> {
    pub(crate) name: &'a str,
    /// The entry first.
    pub(crate) files: &'a [(&'a str, &'a str)],
    pub(crate) options: &'a [&'a str],
    /// It does not compile.
    pub(crate) is_wrong: bool,
    /// The compiler has something to say.
    pub(crate) is_talked_about: bool,
    /// It needs no second look by the plain compiler.
    pub(crate) is_quick: bool,
}

const fn fine<'a>(
    name: &'a str,
    source: &'a [(&'a str, &'a str)],
    options: &'a [&'a str],
) -> Written<'a> {
    Written {
        name,
        files: source,
        options,
        is_wrong: false,
        is_talked_about: false,
        is_quick: true,
    }
}

const fn wrong<'a>(
    name: &'a str,
    source: &'a [(&'a str, &'a str)],
    options: &'a [&'a str],
) -> Written<'a> {
    Written {
        is_wrong: true,
        is_talked_about: true,
        ..fine(name, source, options)
    }
}

const fn warned<'a>(
    name: &'a str,
    source: &'a [(&'a str, &'a str)],
    options: &'a [&'a str],
) -> Written<'a> {
    Written {
        is_talked_about: true,
        ..fine(name, source, options)
    }
}

/// Left to the plain compiler, be it from the start or in the end.
const fn left(written: Written<'_>) -> Written<'_> {
    Written {
        is_quick: false,
        ..written
    }
}

pub(crate) const PROGRAMS: &[Written<'static>] = &[
    fine(
        "hello",
        &[(
            "main.cpp",
            "#include <iostream>\nint main() { std::cout << \"hello\\n\"; }\n",
        )],
        &[],
    ),
    fine("everything", &[("main.cpp", EVERYTHING)], &[]),
    fine(
        "everything in C++17",
        &[("main.cpp", EVERYTHING)],
        &["-std=c++17"],
    ),
    fine(
        "everything in C++23",
        &[("main.cpp", EVERYTHING)],
        &["-std=c++23"],
    ),
    fine(
        "everything in C++20",
        &[("main.cpp", EVERYTHING)],
        &["-std=c++20"],
    ),
    left(fine(
        "everything in C++14",
        &[("main.cpp", EVERYTHING)],
        &["-std=c++14"],
    )),
    left(fine("not optimised", &[("main.cpp", EVERYTHING)], &["-O0"])),
    left(fine("for a debugger", &[("main.cpp", EVERYTHING)], &["-g"])),
    left(fine(
        "with threads",
        &[("main.cpp", EVERYTHING)],
        &["-pthread"],
    )),
    left(fine(
        "for this machine",
        &[("main.cpp", EVERYTHING)],
        &["-march=native"],
    )),
    left(fine(
        "without exceptions",
        &[(
            "main.cpp",
            "#include <vector>\nint main() { std::vector<int> v(3); return int(v.size()) - 3; }\n",
        )],
        &["-fno-exceptions"],
    )),
    fine(
        "all warnings and none to give",
        &[("main.cpp", EVERYTHING)],
        &[
            "-Wall",
            "-Wextra",
            "-pedantic",
            "-Wshadow",
            "-Wconversion",
            "-Wno-sign-conversion",
        ],
    ),
    fine(
        "another header first",
        &[(
            "main.cpp",
            "#include <list>\n#include <iostream>\nint main() { std::list<int> l{1}; std::cout << l.front(); }\n",
        )],
        &[],
    ),
    fine(
        "the same header twice",
        &[(
            "main.cpp",
            "#include <iostream>\n#include <vector>\n#include <iostream>\nint main() { std::cout << std::vector<int>(2).size(); }\n",
        )],
        &[],
    ),
    fine(
        "its own header first",
        &[
            (
                "main.cpp",
                "#include \"mine.h\"\n#include <iostream>\nint main() { std::cout << two(); }\n",
            ),
            (
                "mine.h",
                "#include <vector>\ninline int two() { return int(std::vector<int>(2).size()); }\n",
            ),
        ],
        &[],
    ),
    fine(
        "its own file named as a header",
        &[
            (
                "main.cpp",
                "#include \"vector\"\nint main() { return mine - 5; }\n",
            ),
            ("vector", "const int mine = 5;\n"),
        ],
        &[],
    ),
    fine(
        "a macro that changes a header",
        &[(
            "main.cpp",
            "#define _GLIBCXX_ASSERTIONS 1\n#include <vector>\nint main() { std::vector<int> v; return v[0]; }\n",
        )],
        &[],
    ),
    fine(
        "a macro that changes a header, as an option",
        &[(
            "main.cpp",
            "#include <vector>\nint main() { std::vector<int> v; return v[0]; }\n",
        )],
        &["-D_GLIBCXX_DEBUG"],
    ),
    fine(
        "a macro without a meaning",
        &[(
            "main.cpp",
            "#define SIZE 3\n#include <iostream>\nint main() { std::cout << SIZE * N; }\n",
        )],
        &["-DN=4"],
    ),
    fine(
        "no assertions",
        &[(
            "main.cpp",
            "#define NDEBUG\n#include <cassert>\n#include <iostream>\nint main() { assert(false); std::cout << 1; }\n",
        )],
        &[],
    ),
    fine(
        "a macro taken away",
        &[(
            "main.cpp",
            "#include <iostream>\nint main() {\n#ifdef __linux__\nstd::cout << 1;\n#endif\n}\n",
        )],
        &["-U__linux__"],
    ),
    fine(
        "where it stands",
        &[(
            "main.cpp",
            "// A comment.\n\n#include <cassert>\n#include <iostream>\nint main(int n, char **) { std::cout << __FILE__ << __LINE__ << __COUNTER__ << __INCLUDE_LEVEL__; assert(n == 7); }\n",
        )],
        &[],
    ),
    fine(
        "a pragma before a header",
        &[(
            "main.cpp",
            "#pragma GCC optimize(\"O3\")\n#pragma GCC target(\"avx2\")\n#include <bits/stdc++.h>\nint main() { std::vector<int> v(1000, 1); return std::accumulate(v.begin(), v.end(), 0) - 1000; }\n",
        )],
        &[],
    ),
    fine(
        "a declaration before a header",
        &[(
            "main.cpp",
            "struct early {};\n#include <iostream>\nint main() { std::cout << sizeof(early); }\n",
        )],
        &[],
    ),
    fine(
        "a condition before a header",
        &[(
            "main.cpp",
            "#if __has_include(<iostream>) && !__has_include(<nothing>)\n#include <iostream>\n#endif\nint main() { std::cout << 1; }\n",
        )],
        &[],
    ),
    fine(
        "several files",
        &[
            (
                "main.cpp",
                "#include <iostream>\nint twice(int);\nint main() { std::cout << twice(4); }\n",
            ),
            (
                "twice.cc",
                "#include <vector>\nint twice(int n) { return int(std::vector<int>(n).size()) * 2; }\n",
            ),
        ],
        &[],
    ),
    fine(
        "ranges and concepts",
        &[(
            "main.cpp",
            "#include <algorithm>\n#include <concepts>\n#include <iostream>\n#include <ranges>\n#include <vector>\ntemplate <std::integral T> T half(T n) { return n / 2; }\nint main() { std::vector v{4, 2}; std::ranges::sort(v); for (int n : v | std::views::transform(half<int>)) std::cout << n; }\n",
        )],
        &[],
    ),
    fine(
        "exceptions and numbers",
        &[(
            "main.cpp",
            "#include <stdexcept>\n#include <string>\n#include <cmath>\n#include <cstdio>\nint main() { try { std::stoi(\"x\"); } catch (const std::invalid_argument &e) { std::printf(\"%s %.3f\\n\", e.what(), std::sqrt(2.0)); } }\n",
        )],
        &[],
    ),
    warned(
        "an unused variable",
        &[(
            "main.cpp",
            "#include <iostream>\nint main() {\n    int unused = 1;\n    std::cout << 1;\n}\n",
        )],
        &["-Wall"],
    ),
    warned(
        "two types compared",
        &[(
            "main.cpp",
            "#include <iostream>\n#include <vector>\nint main() { std::vector<int> v; for (int i = 0; i < v.size(); i++) std::cout << i; }\n",
        )],
        &["-Wall", "-Wextra"],
    ),
    warned(
        "a warning of its own",
        &[(
            "main.cpp",
            "#include <iostream>\n#warning look here\nint main() { std::cout << 1; }\n",
        )],
        &[],
    ),
    left(warned(
        "something old",
        &[(
            "main.cpp",
            "#include <functional>\n#include <memory>\nint main() { std::auto_ptr<int> p(new int(1)); return *p - 1; }\n",
        )],
        &[],
    )),
    left(warned(
        "words about headers",
        &[(
            "main.cpp",
            "#include <iostream>\n#warning own\nint main() { std::cout << 1; }\n",
        )],
        &["-Wsystem-headers"],
    )),
    left(warned(
        "unused macros",
        &[(
            "main.cpp",
            "#define UNUSED 1\n#include <iostream>\nint main() { std::cout << 1; }\n",
        )],
        &["-Wunused-macros"],
    )),
    wrong(
        "a name that is not there",
        &[(
            "main.cpp",
            "#include <iostream>\n\nint main() {\n    std::cout << nothing;\n}\n",
        )],
        &[],
    ),
    wrong(
        "a semicolon is missing",
        &[(
            "main.cpp",
            "#include <iostream>\nint main() {\n    std::cout << 1\n}\n",
        )],
        &[],
    ),
    wrong(
        "a warning as an error",
        &[(
            "main.cpp",
            "#include <iostream>\nint main() { int unused = 1; std::cout << 1; }\n",
        )],
        &["-Wall", "-Werror"],
    ),
    wrong(
        "a header that was forgotten",
        &[(
            "main.cpp",
            "#include <vector>\nint main() { std::cout << 1; }\n",
        )],
        &[],
    ),
    wrong(
        "wrong text in the second file",
        &[
            (
                "main.cpp",
                "#include <iostream>\nint main() { std::cout << 1; }\n",
            ),
            ("other.cpp", "#include <iostream>\nint f() { return x; }\n"),
        ],
        &[],
    ),
    wrong(
        "an error of its own",
        &[(
            "main.cpp",
            "#include <iostream>\n#error not like this\nint main() {}\n",
        )],
        &[],
    ),
    wrong(
        "a false assertion",
        &[(
            "main.cpp",
            "#include <iostream>\nstatic_assert(sizeof(int) == 5, \"no\");\nint main() {}\n",
        )],
        &[],
    ),
    wrong(
        "letters of other scripts",
        &[(
            "main.cpp",
            "#include <iostream>\nint main() { std::cout << \"gr\u{fc}\u{df}e \u{1f600}\" << \u{e4}pfel; }\n",
        )],
        &[],
    ),
    left(wrong(
        "a word almost right",
        &[(
            "main.cpp",
            "#include <iostream>\nint main() { cout << 1; }\n",
        )],
        &[],
    )),
    left(wrong(
        "a template used wrong",
        &[(
            "main.cpp",
            "#include <algorithm>\n#include <list>\nint main() { std::list<int> l; std::sort(l.begin(), l.end()); }\n",
        )],
        &[],
    )),
    left(wrong(
        "a stream that cannot",
        &[(
            "main.cpp",
            "#include <iostream>\nstruct s {};\nint main() { std::cout << s(); }\n",
        )],
        &[],
    )),
    left(wrong(
        "a header that is not there",
        &[(
            "main.cpp",
            "#include <iostream>\n#include <nothing.h>\nint main() {}\n",
        )],
        &[],
    )),
    wrong(
        "a function that is nowhere",
        &[(
            "main.cpp",
            "#include <iostream>\nint f();\nint main() { std::cout << f(); }\n",
        )],
        &[],
    ),
    left(wrong(
        "a macro in the way of a header",
        &[(
            "main.cpp",
            "#define vector 5 +\n#include <vector>\nint main() {}\n",
        )],
        &[],
    )),
    left(wrong(
        "a standard that is not there",
        &[("main.cpp", "#include <iostream>\nint main() {}\n")],
        &["-std=c++99"],
    )),
];

const EVERYTHING: &str = r#"#include <bits/stdc++.h>
using namespace std;
struct point { int x, y; };
int main() {
    vector<int> numbers{5, 3, 1};
    sort(numbers.begin(), numbers.end());
    map<string, vector<point>> named;
    named["a"].push_back({1, 2});
    for (auto &entry : named) cout << entry.first << entry.second[0].y << endl;
    auto sum = accumulate(numbers.begin(), numbers.end(), 0);
    ostringstream text;
    text << setw(5) << sum;
    cout << text.str() << '\n';
}
"#;
