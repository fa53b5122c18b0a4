#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "ui/guardian.h"
#include "ui/screen.h"
#include "ui/theme.h"
#include "ui/view.h"

enum { ESCAPE_MS = 25, SIGNAL_STACK = 64 * 1024 };

static struct {
    SCREEN *screen;
    struct termios before;
    bool is_ascii;
    bool is_open; /* curses has the terminal */
    bool is_coloured;
    char farewell[256]; /* what a signal handler writes: made while all was well */
    size_t farewell_size;
    char *stack;
} term;

/* ---- giving the terminal back ---- */

static void add_farewell(const char *capability)
{
    const char *text = tigetstr((char *)(uintptr_t)capability);
    if (!text || text == (const char *)-1)
        return;
    size_t size = strlen(text);
    if (term.farewell_size + size > sizeof term.farewell)
        return;
    memcpy(term.farewell + term.farewell_size, text, size);
    term.farewell_size += size;
}

/* Async-signal-safe. */
static void restore_now(void)
{
    if (!term.is_open)
        return;
    term.is_open = false;
    if (write(STDOUT_FILENO, term.farewell, term.farewell_size) < 0)
        return; /* the terminal is gone */
    tcsetattr(STDIN_FILENO, TCSADRAIN, &term.before);
    guardian_goodbye();
}

/* SA_RESETHAND has put back the default action: returning to the instruction, or raising again,
 * ends us with the right status and core. */
static void on_crash(int sig)
{
    restore_now();
    raise(sig);
}

static void catch_crashes(void)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
    term.stack = xmalloc(SIGNAL_STACK);
    stack_t stack = {.ss_sp = term.stack, .ss_size = SIGNAL_STACK};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_handler = on_crash,
                               .sa_flags = (int)(SA_RESETHAND | SA_ONSTACK | SA_NODEFER)};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        sigaction(deadly[i], &action, NULL);
}

static void on_die(void *arg)
{
    (void)arg;
    screen_close();
}

/* ---- opening ---- */

static bool is_utf8(void)
{
    /* Only the characters: numbers stay as C writes them. */
    return setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static bool has_here_colours(void)
{
    return COLORS >= 256 && COLOR_PAIRS > 2 * STYLE_COUNT;
}

static void start_colours(void)
{
    const char *no_color = getenv("NO_COLOR");
    term.is_coloured = !(no_color && no_color[0]) && has_colors();
    if (!term.is_coloured)
        return;
    start_color();
    use_default_colors();
    for (int style = 0; style < STYLE_COUNT; style++) {
        struct theme_colours c = theme_colours((enum style)style, COLORS);
        init_pair((short)(style + 1), (short)c.fore, (short)c.back);
        c = theme_here((enum style)style);
        if (has_here_colours())
            init_pair((short)(STYLE_COUNT + style + 1), (short)c.fore, (short)c.back);
    }
}

static void start_input(void)
{
    cbreak();
    noecho();
    nonl();
    intrflush(stdscr, FALSE);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(ESCAPE_MS);
    curs_set(0);
}

static void keep_farewell(void)
{
    term.farewell_size = 0;
    add_farewell("sgr0");
    add_farewell("rmkx");
    add_farewell("cnorm");
    add_farewell("rmcup");
}

/* Curses reads the modes that it has set, and they stay until the end. */
static void be_guarded(void)
{
    struct guarded what = {
        .before = term.before, .farewell = term.farewell, .farewell_size = term.farewell_size};
    if (tcgetattr(STDIN_FILENO, &what.ours) == 0)
        guardian_start(&what);
}

int screen_open(bool is_ascii, struct err *e)
{
    static bool has_hook;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
        tcgetattr(STDIN_FILENO, &term.before) < 0)
        return err_set(e, ENOTTY, "open the screen: standard input and output must be a terminal");
    const char *ascii = getenv("IPCLAB_ASCII"), *type = getenv("TERM");
    bool has_utf8 = is_utf8();
    term.is_ascii = is_ascii || (ascii && ascii[0] && ascii[0] != '0') || !has_utf8;
    /* initscr() would end the program. */
    term.screen = newterm(NULL, stdout, stdin);
    if (!term.screen)
        return err_set(e, ENOTSUP,
                       "open the screen: terminal type '%s' is not known here; try TERM=vt100",
                       type && type[0] ? type : "(TERM is not set)");
    set_term(term.screen);
    keep_farewell();
    term.is_open = true;
    catch_crashes();
    if (!has_hook)
        die_hook(on_die, NULL);
    has_hook = true;
    start_input();
    start_colours();
    be_guarded();
    return 0;
}

void screen_close(void)
{
    if (!term.screen)
        return;
    if (term.is_open) {
        /* A terminal with one screen only is left empty, not with half of ours. */
        erase();
        refresh();
        endwin();
        tcsetattr(STDIN_FILENO, TCSADRAIN, &term.before);
    }
    guardian_stop();
    term.is_open = false;
    delscreen(term.screen);
    term.screen = NULL;
}

bool screen_is_ascii(void)
{
    return term.is_ascii;
}

void screen_size(int *width, int *height)
{
    getmaxyx(stdscr, *height, *width);
}

void screen_resize(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        resizeterm(size.ws_row, size.ws_col);
    clearok(stdscr, TRUE);
}

/* ---- drawing ---- */

static attr_t attributes(const struct cell *cell)
{
    static const struct {
        unsigned from;
        attr_t to;
    } map[] = {{THEME_BOLD, A_BOLD},
               {THEME_DIM, A_DIM},
               {THEME_UNDERLINE, A_UNDERLINE},
               {THEME_REVERSE, A_REVERSE}};
    unsigned wanted = theme_attributes((enum style)cell->style, term.is_coloured);
    attr_t out = A_NORMAL;
    if (cell->is_reverse && !(term.is_coloured && has_here_colours()))
        wanted = (wanted & THEME_BOLD) | THEME_REVERSE;
    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (wanted & map[i].from)
            out |= map[i].to;
    return out;
}

static void draw_cell(int x, int y, const struct cell *cell)
{
    wchar_t text[3] = {(wchar_t)cell->code, (wchar_t)cell->combining, 0};
    short pair = 0;
    cchar_t wide;
    if (term.is_coloured && cell->is_reverse)
        pair = has_here_colours() ? (short)(STYLE_COUNT + cell->style + 1) : 0;
    else if (term.is_coloured)
        pair = (short)(cell->style + 1);
    setcchar(&wide, text, attributes(cell), pair, NULL);
    mvadd_wch(y, x, &wide);
}

void screen_draw(const struct grid *g)
{
    int width, height;
    screen_size(&width, &height);
    for (int y = 0; y < g->height && y < height; y++)
        for (int x = 0; x < g->width && x < width; x++) {
            const struct cell *cell = &g->cells[(size_t)y * (size_t)g->width + (size_t)x];
            if (cell->code)
                draw_cell(x, y, cell);
        }
    refresh();
}

/* ---- keys ---- */

static uint32_t special_press(wint_t key)
{
    switch (key) {
    case KEY_UP: return PRESS_UP;
    case KEY_DOWN: return PRESS_DOWN;
    case KEY_LEFT: return PRESS_LEFT;
    case KEY_RIGHT: return PRESS_RIGHT;
    case KEY_SLEFT: return PRESS_SHIFT_LEFT;
    case KEY_SRIGHT: return PRESS_SHIFT_RIGHT;
    case KEY_HOME: return PRESS_HOME;
    case KEY_END: return PRESS_END;
    case KEY_PPAGE: return PRESS_PAGE_UP;
    case KEY_NPAGE: return PRESS_PAGE_DOWN;
    case KEY_ENTER: return PRESS_ENTER;
    case KEY_BACKSPACE: return PRESS_BACKSPACE;
    default: return 0;
    }
}

static uint32_t plain_press(wint_t key)
{
    switch (key) {
    case '\r':
    case '\n': return PRESS_ENTER;
    case 27: return PRESS_ESCAPE;
    case 8:
    case 127: return PRESS_BACKSPACE;
    case '\t': return PRESS_TAB;
    default: return (uint32_t)key;
    }
}

uint32_t screen_press(void)
{
    wint_t key;
    for (;;) {
        int kind = get_wch(&key);
        if (kind == ERR)
            return 0;
        uint32_t press = kind == KEY_CODE_YES ? special_press(key) : plain_press(key);
        if (press)
            return press;
    }
}

/* ---- lending ---- */

void screen_lend(void)
{
    def_prog_mode();
    endwin();
    term.is_open = false;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &term.before);
    guardian_lent();
}

void screen_take_back(void)
{
    guardian_taken_back();
    term.is_open = true;
    reset_prog_mode();
    screen_resize();
    curs_set(0);
}
