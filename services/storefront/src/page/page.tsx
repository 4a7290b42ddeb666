// The page for buyers: who is here, in which language, and the sales.
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { SaleCard } from './sale.tsx';
import { logIn, readSales, readSession, type Sale, type Session } from './shop.ts';
import './style.css';
import { type Language, WORDS, type Words } from './words.ts';

const REFRESH_MS = 1_000;
const ENDED_SHOWN_MS = 600_000;
const LANGUAGE = 'language';

/** The sales that are open, those that open soon, and those that were open a moment ago. */
function inOrder(sales: Sale[], now: number): Sale[] {
  const rankOf = ({ opensAt, closesAt, closed }: Sale) => {
    if (closed || Date.parse(closesAt) <= now) return 2;
    return Date.parse(opensAt) > now ? 1 : 0;
  };
  const recent = sales.filter(({ closesAt }) => Date.parse(closesAt) > now - ENDED_SHOWN_MS);
  return recent.toSorted((a, b) => rankOf(a) - rankOf(b));
}

/** Reads again and again, one read at a time, from when the page is there until it goes. */
function useSales() {
  const [shop, setShop] = useState<{ sales: Sale[]; aheadMs: number }>();
  const [offline, setOffline] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const refresh = async () => {
      const read = document.hidden ? undefined : await readSales();
      if (read) setShop(read);
      if (!document.hidden) setOffline(!read);
      timer = setTimeout(refresh, REFRESH_MS);
    };
    void refresh();
    return () => clearTimeout(timer);
  }, []);
  return { shop, offline };
}

/** Kept for the next visit, where the browser lets a page keep anything. */
function useLanguage(): [Language, () => void] {
  const kept = localStorage.getItem(LANGUAGE) ?? navigator.language;
  const [language, setLanguage] = useState<Language>(kept.startsWith('zh') ? 'zh' : 'en');
  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    document.title = WORDS[language].title;
    localStorage.setItem(LANGUAGE, language);
  }, [language]);
  return [language, () => setLanguage(language === 'zh' ? 'en' : 'zh')];
}

function Login({ words, onLogin }: { words: Words; onLogin: () => void }) {
  const [failed, setFailed] = useState(false);
  const enter = async () => {
    const done = await logIn();
    setFailed(!done);
    if (done) onLogin();
  };
  return (
    <>
      <button type="button" onClick={enter}>
        {words.logIn}
      </button>
      {failed && <span role="alert">{words.loginFailed}</span>}
    </>
  );
}

function Page() {
  const [language, toggle] = useLanguage();
  const words = WORDS[language];
  const [session, setSession] = useState<Session>();
  const refreshSession = async () => setSession(await readSession());
  useEffect(() => void refreshSession(), []);
  const { shop, offline } = useSales();
  const now = Date.now() + (shop?.aheadMs ?? 0);
  const shown = inOrder(shop?.sales ?? [], now);
  const loggedIn = session?.loggedIn ?? false;
  return (
    <>
      <header>
        <h1>{words.title}</h1>
        <button type="button" class="quiet" lang={language === 'zh' ? 'en' : 'zh-CN'} onClick={toggle}>
          {words.other}
        </button>
      </header>
      <main>
        {session?.demoLogin && (
          <aside>
            <p>{words.demo}</p>
            {!loggedIn && <Login words={words} onLogin={refreshSession} />}
          </aside>
        )}
        <p role="status">{offline ? words.offline : shop && shown.length === 0 ? words.noSales : ''}</p>
        <div class="sales">
          {shown.map((sale) => (
            <SaleCard
              key={sale.id}
              {...{ sale, words, language, loggedIn, aheadMs: shop?.aheadMs ?? 0 }}
              onLoggedOut={refreshSession}
            />
          ))}
        </div>
      </main>
    </>
  );
}

render(<Page />, document.getElementById('page') as HTMLElement);
