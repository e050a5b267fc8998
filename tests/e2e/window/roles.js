/**
 * Runs inside the page, sent there by `page.mjs` with every look-up: finds elements the way a person with a screen reader
 * does, by role and accessible name. Only what is in the accessibility tree is found: hidden elements are not.
 *
 * It knows the part of ARIA's rules that this product uses; `a11y.test.mjs` checks the page itself with axe.
 */
function findByRole(root, role, name, options) {
  const IMPLICIT = {
    article: 'article', aside: 'complementary', button: 'button', dialog: 'dialog', footer: 'contentinfo', form: 'form',
    h1: 'heading', h2: 'heading', h3: 'heading', h4: 'heading', h5: 'heading', h6: 'heading', header: 'banner',
    hr: 'separator', img: 'img', li: 'listitem', main: 'main', nav: 'navigation', ol: 'list', option: 'option',
    output: 'status', progress: 'progressbar', select: 'combobox', summary: 'button', table: 'table', td: 'cell',
    textarea: 'textbox', th: 'columnheader', tr: 'row', ul: 'list',
  };
  const INPUTS = {
    button: 'button', checkbox: 'checkbox', email: 'textbox', number: 'spinbutton', password: 'textbox', radio: 'radio',
    range: 'slider', reset: 'button', search: 'searchbox', submit: 'button', tel: 'textbox', text: 'textbox', url: 'textbox',
  };
  const FROM_CONTENT = new Set([
    'button', 'cell', 'checkbox', 'columnheader', 'heading', 'link', 'menuitem', 'menuitemcheckbox', 'menuitemradio',
    'option', 'radio', 'row', 'switch', 'tab', 'treeitem',
  ]);
  const squash = (text) => text.replace(/\s+/g, ' ').trim();

  function hidden(element) {
    if (element.closest('[aria-hidden="true"], [hidden], [inert]')) return true;
    const style = getComputedStyle(element);
    return style.visibility !== 'visible' || style.display === 'none' || element.getClientRects().length === 0;
  }

  function roleOf(element) {
    const given = element.getAttribute('role');
    if (given) return given.trim().split(/\s+/)[0];
    const tag = element.localName;
    if (tag === 'a') return element.hasAttribute('href') ? 'link' : '';
    if (tag === 'input') return INPUTS[element.type] ?? '';
    if (tag === 'section') return element.hasAttribute('aria-label') || element.hasAttribute('aria-labelledby') ? 'region' : '';
    return IMPLICIT[tag] ?? '';
  }

  function contentOf(node) {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    if (node.nodeType !== Node.ELEMENT_NODE || node.getAttribute('aria-hidden') === 'true') return '';
    const style = getComputedStyle(node);
    if (style.display === 'none' || style.visibility === 'hidden') return '';
    const label = node.getAttribute('aria-label') ?? (node.localName === 'img' ? node.alt : null);
    const text = label ?? [...node.childNodes].map(contentOf).join('');
    return style.display.startsWith('inline') ? text : ` ${text} `;
  }

  function nameOf(element, role) {
    const ids = element.getAttribute('aria-labelledby');
    if (ids) {
      const parts = ids.split(/\s+/).map((id) => element.ownerDocument.getElementById(id)).filter(Boolean);
      if (parts.length) return squash(parts.map((part) => part.getAttribute('aria-label') ?? part.textContent).join(' '));
    }
    const label = element.getAttribute('aria-label');
    if (label) return squash(label);
    if (element.labels?.length) return squash([...element.labels].map(contentOf).join(' '));
    if (element.localName === 'img' && element.alt) return squash(element.alt);
    if (FROM_CONTENT.has(role)) {
      const content = squash([...element.childNodes].map(contentOf).join(''));
      if (content) return content;
    }
    // An article is called by its heading: a card by its task's title.
    if (role === 'article') {
      const heading = element.querySelector('h1, h2, h3, h4, h5, h6, [role="heading"]');
      if (heading) return squash(heading.textContent);
    }
    return squash(element.getAttribute('title') ?? element.getAttribute('placeholder') ?? '');
  }

  // A name fits as a whole, or up to a count that follows it: “Approvals 2”, “To do, 4 tasks”.
  function fits(actual) {
    if (name == null) return true;
    if (name.pattern) return new RegExp(name.pattern, name.flags).test(actual);
    const wanted = name.text.toLowerCase();
    const found = actual.toLowerCase().replace(/…$/, '').trim();
    if (found === wanted) return true;
    return options.counted && found.startsWith(wanted) && /^[,:]? ?\(?\d/.test(found.slice(wanted.length));
  }

  const found = [];
  const others = new Set();
  for (const element of (root ?? document).querySelectorAll('*')) {
    const actual = roleOf(element);
    if (actual !== role && !(role === 'dialog' && actual === 'alertdialog')) continue;
    if (hidden(element)) continue;
    const called = nameOf(element, role);
    if (fits(called)) found.push(element);
    else others.add(called);
  }
  return options.names ? [...others].slice(0, 30) : found;
}
