#include "ui/theme.h"

enum { BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE };
enum { OWN = -1, BRIGHT = 8 };

/* For 256 colours, for 16, for 8, attributes with colours, attributes without. */
static const struct look {
    struct theme_colours many, sixteen, eight;
    unsigned attributes, plain;
} looks[STYLE_COUNT] = {
    [STYLE_TEXT] = {{OWN, OWN}, {OWN, OWN}, {OWN, OWN}, 0, 0},
    [STYLE_DIM] = {{244, OWN}, {BLACK + BRIGHT, OWN}, {OWN, OWN}, 0, THEME_DIM},
    [STYLE_STRONG] = {{OWN, OWN}, {OWN, OWN}, {OWN, OWN}, THEME_BOLD, THEME_BOLD},
    [STYLE_TITLE] =
        {{255, 238}, {WHITE + BRIGHT, BLUE}, {WHITE, BLUE}, THEME_BOLD, THEME_REVERSE | THEME_BOLD},
    [STYLE_BAR] = {{250, 238}, {WHITE, BLUE}, {WHITE, BLUE}, 0, THEME_REVERSE},
    [STYLE_KEY] = {{221, 238},
                   {YELLOW + BRIGHT, BLUE},
                   {YELLOW, BLUE},
                   THEME_BOLD,
                   THEME_REVERSE | THEME_BOLD},
    [STYLE_SELECTED] = {{232, 117}, {BLACK, CYAN}, {BLACK, CYAN}, 0, THEME_REVERSE},
    [STYLE_FRAME] = {{241, OWN}, {BLACK + BRIGHT, OWN}, {OWN, OWN}, 0, 0},
    [STYLE_RUNNING] = {{78, OWN}, {GREEN + BRIGHT, OWN}, {GREEN, OWN}, 0, 0},
    [STYLE_BLOCKED] = {{214, OWN}, {YELLOW + BRIGHT, OWN}, {YELLOW, OWN}, THEME_BOLD, THEME_BOLD},
    [STYLE_ZOMBIE] = {{176, OWN}, {MAGENTA + BRIGHT, OWN}, {MAGENTA, OWN}, THEME_BOLD, THEME_BOLD},
    [STYLE_EXITED] = {{244, OWN}, {BLACK + BRIGHT, OWN}, {OWN, OWN}, 0, THEME_DIM},
    [STYLE_FINDING] = {{209, OWN}, {RED + BRIGHT, OWN}, {RED, OWN}, THEME_BOLD, THEME_BOLD},
    [STYLE_NORMAL_FINDING] = {{110, OWN}, {CYAN, OWN}, {CYAN, OWN}, 0, 0},
    [STYLE_DATA] = {{227, OWN}, {YELLOW + BRIGHT, OWN}, {YELLOW, OWN}, THEME_BOLD, THEME_BOLD},
    [STYLE_READER] = {{75, OWN}, {BLUE + BRIGHT, OWN}, {CYAN, OWN}, 0, 0},
    [STYLE_WRITER] = {{180, OWN}, {YELLOW, OWN}, {YELLOW, OWN}, 0, THEME_BOLD},
    [STYLE_PASS] = {{79, OWN}, {GREEN + BRIGHT, OWN}, {GREEN, OWN}, THEME_BOLD, THEME_BOLD},
    [STYLE_FAIL] = {{209, OWN}, {RED + BRIGHT, OWN}, {RED, OWN}, THEME_BOLD, THEME_BOLD},
    [STYLE_CODE] = {{152, OWN}, {OWN, OWN}, {OWN, OWN}, 0, 0},
    [STYLE_KEYWORD] = {{117, OWN}, {CYAN + BRIGHT, OWN}, {CYAN, OWN}, 0, THEME_BOLD},
    [STYLE_STRING] = {{186, OWN}, {YELLOW, OWN}, {YELLOW, OWN}, 0, 0},
    [STYLE_COMMENT] = {{245, OWN}, {BLACK + BRIGHT, OWN}, {OWN, OWN}, 0, THEME_DIM},
    [STYLE_HERE] = {{117, OWN}, {CYAN + BRIGHT, OWN}, {CYAN, OWN}, THEME_BOLD, THEME_BOLD},
    [STYLE_LINK] = {{117, OWN}, {CYAN, OWN}, {CYAN, OWN}, THEME_UNDERLINE, THEME_UNDERLINE},
    [STYLE_ERROR] = {{209, OWN}, {RED + BRIGHT, OWN}, {RED, OWN}, THEME_BOLD, THEME_BOLD},
};

struct theme_colours theme_colours(enum style style, int colours)
{
    const struct look *look = &looks[style];
    return colours >= 256 ? look->many : colours >= 16 ? look->sixteen : look->eight;
}

struct theme_colours theme_here(enum style style)
{
    enum { BACK = 24, TEXT = 255, FAINT = 250 };
    int fore = looks[style].many.fore;
    if (fore == OWN)
        fore = TEXT;
    if (style == STYLE_DIM || style == STYLE_COMMENT || style == STYLE_FRAME)
        fore = FAINT;
    return (struct theme_colours){fore, BACK};
}

unsigned theme_attributes(enum style style, bool is_coloured)
{
    return is_coloured ? looks[style].attributes : looks[style].plain;
}
