// What the globe says to people, in both languages. No HTML.

export type Language = 'zh' | 'en';

const TEXTS = {
  noWebgl: ['浏览器不支持 WebGL,无法显示三维。请启用硬件加速或换用新版浏览器。', 'This browser has no WebGL, which 3D needs. Switch hardware acceleration on, or use a recent browser.'],
  lostContext: ['显卡中断了三维画面,正在恢复…', 'The graphics card interrupted the 3D picture; it is being restored…'],
  noCatalog: ['无法读取图层目录,请检查服务器连接。', 'The catalogue of layers cannot be read: check the connection to the server.'],
  noStyle: ['无法读取地图样式,地面只显示底色。', 'The map style cannot be read: the ground is drawn plain.'],
  noTileset: ['{0}:三维数据无法加载。', '{0}: its 3D tiles cannot be loaded.'],
  noTiles: ['部分三维瓦片加载失败,稍后会重试。', 'Some 3D tiles could not be loaded; they are tried again.'],
  noGround: ['地面高程无法加载,地面以平面显示。', 'Heights of the ground cannot be loaded: it is drawn flat.'],
  noMap: ['部分地面底图加载失败。', 'Parts of the map on the ground could not be loaded.'],
  notDrawn: ['三维画面绘制出错:{0}', 'The 3D picture cannot be drawn: {0}'],
  start: ['起点', 'start'],
  end: ['终点', 'end'],
  ground: ['地面', 'ground'],
  depth: ['埋深', 'depth'],
  distance: ['地面距离 {0} · 斜距 {1}', 'ground distance {0} · slope distance {1}'],
  height: ['高差 {0} · 水平距离 {1} · 斜距 {2}', 'height difference {0} · horizontal {1} · slope distance {2}'],
  area: ['面积 {0} · 周长 {1}', 'area {0} · perimeter {1}'],
  picture: ['三维城市模型,方向键移动,加减号缩放,Shift+方向键旋转', '3D city model: arrows move, plus and minus zoom, Shift and arrows turn'],
} satisfies Record<string, [string, string]>;

export type Text = keyof typeof TEXTS;

export function say(language: Language, text: Text, ...values: string[]): string {
  const template = TEXTS[text][language === 'zh' ? 0 : 1];
  return template.replace(/\{(\d)\}/g, (_, n: string) => values[Number(n)] ?? '');
}
