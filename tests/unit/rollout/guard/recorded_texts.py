"""Packed texts of guarded statuses as this form and the one before it are written, and digests of their fields as
canonical JSON: of a guard without query classes, and of one of three classes that follows the load.
"""

from __future__ import annotations

SIXTH_PLAIN = (
    "6:,1r[act?VF`U!Nyb5'z%{:kQb:,b3?(UdzpLF!cmGqP:?1IH8Z3@VIL78R$ckpV[ePk8U45P(zp+`vu6s%%)pTZ6IH`vUXjS0O"
    "MfL8CUBU[*b`m8U-r%~kg6O*c4x]UH^]Z[v]7Q=uABu:Z?zvLI?h-mXSkXh4wj#zaV+e^QKSmqqRC}K;8L?'FF//f*;iZJdk@!bL"
    "ty%6HVTQ;(.XVweW+]msVyvDIvK./QIBc'g~4U6zLke?akm?{R271x=;SnC1juOATwJBH={/{uS@3Q$k;K8yZD;_3C+o-m?]qX+!"
    "mqFNB`1q.:.Q1e)+/c}J1oM'jHS:Cjf+i6TyfT]6e31L[tWaHH5p7T|ep?b^XQ6lwes*K;sXcCU'`f4-!?8}c{1qv`FQ4EM*@Y!X"
    "yh6K@Iu-[/H!Eu%P5oUCHJ,WNZx)(NE[KQv47CL4mWdD!T)KDQ3H$vRm+}otnm'_qx$G9096ODfQQ'xcN0?bts}$VjH.=tv5Pz7:"
    "`~GvKC)7=ee!t.n`;.GLeEH3qA#-dE8:tgxW|W+H)JGq(X1|e[!gu|q}K.{-bjgOz~H@1EVN#V.D)-k.Z/ZbTkzB6}xXTEET3]}Y"
    "zrdy'G_.9SQ?jW%iB46sL;$B*WB?c)',C,pbr1/VdbY#^NA'};5uxd@H-YW;7Z%S/Q0zcV'Wz|I|XvVNgimLC?tc?`y0JKwB'Kra"
    "8]#~uZ)+:`WRf(7cD5l|hiW]91(W_BV?ec|(y^*t|}rLagGP@^yJ%JLJfD#DurTDNfw~[zE)=?Q)tgPsub$+22uP]zG.JfXs[f;W"
    "G%Mwu,7}$wV)YDn?tO:R.y{:#Xk#;2?Z|0)Fr!i%B-2UU7yz.[sJY2cO2~k1:Ssu[RsU|X7Pt0w!l2UUl-_Guc(EPOhIQpf+zIA_"
    "eM=HG!N.w~`G[r`IsrC:j?pubex=L.'{BJ6a=k{V.pV%nvcC;2C)Bwx3y}z8oJ}yv?'3m6bfk=AZYeD7r:'r5#m]A#cKUc!XCpPa"
    "bpaZhwx[WGVgd/7@a'c"
)
SIXTH_OF_CLASSES = (
    "6:BA@MJ(QS8AZ7*!$?SUx:X_l3sFZjUDAQ~11[CAiYFB#~/B#iF~PUoebU4Hhny/u.'Z(7gIu_=,3w]$Y_q3}AT+l2[ak8i|U0av"
    "|3-Hnl{/S-?mWXIn].2fr~B+1}WoQk%Z?fqdubKL9w6B[LImm[gfRXbJhx7Ym.i7PnH%scY,Y$72R]QN!!A:BC}Ha)M)Mq$sHxhx"
    "1X1r]zofM]EDilb^C,g_9Z{(!C-c|u)+o$'vqjz,q?$gvO*Sq*a/Sij9VM/]#QS?Pc*AR$##fFMSDc6A}!*DgiFQLEv7VM?^r^~("
    "u^quL~NVr^bAgZ)(K.(WG=iUOAyH|(ijZLbkMwRa_+VL`hM|(:rFL4ycs3F_H_)MfW%0Y=*m3laF!AP#[Z`^xB_+xk)A9Quc2|,."
    "']S+;fPIlpMN#9K(tbY%tMu-#A61SR0WWCr_/ixe)j*%byDf3bM6K0KD-,p.-x{}dp,Vw6^b3^ZDG+i+,3C:*4sRp+8GU|Yu|{M2"
    "N7R6)}j`L(+h]Q?*B$:Mgl;BjsTu'fm0=,Zf(YiUs+V/]L$83WF8{70s=1+$j+`^i,b'db*{AiH7Yd!FE,*?;US)S|;WB-LPLo73"
    "-1(~1ZSLp({s#-ee$zU5@riMj.wNO*L3CV3M4qJ1']}Da$l5)oiY:2Z*xn#mW,BH}_Kf3[W]{P@;_=(WhC?W'{=YW8!a4AL|@8:."
    "Z|o0{GR^,,^^qr.{hZuG@zY}89)hYd~,;cMXV53}R#?(jN~I3O3,|q$-V?lT-[FNeNC5YZL(C#tk4sTnDSxq{0b,9GhEjt~%vuM|"
    "n0FPe#FP={'L'M:0]4F]$Vb^0EjI*ciG'6^ib,;+P516qc/d_;wx)AZ)048%.'zP|TMzxy|y?qgc_lBnrH.gj8Y%JM[v{hk:lh@!"
    ",3(@.`SZ.-K#3;Me1#3~2fn4}]{K}XIvI#wx@~kBfihFfor4T%}bUi%$tuwA-JApIZ.T=?f-Mq@Ew8t615-5px%$=TmW^S!`6f*_"
    "VjxSt[Mg5?~N3ggb9O8J(;G4pp@0.VsW-y6*`%b77A`KxUnLiftKrFt$S1Zx]%l1@fzA0|dY2-b[5kK*O@HCOo4Cfb6*qCo%;c,5"
    "IJ0D5/X6|jXraq5*acq8:@twYqXe!/2.~KI-%Z.qjBN+/e$QLUX9Sy6g$IGLH8.s3;4o]IRAOfd|x#F5j0s7%zky5clg-}f*HD,]"
    "?A:2[Fw59et33/u5Z7Dl#(6{elm7VP=g?tO:N+OqU#-~hVQdElvM*I[YKw1US-Sl_c;}BS,jIq2T:6?r:1*qx`h'6e-0N}}qz@V*"
    "h2XXCY+U3xJ4*L0bf,0?hlIOM_9LekmorV4@'.]yD,wb{a6p5b7Z_^|hu@*Wnq6q^6,sBX(6okEJf~:rfA#AsJqU|gg38zRdb(w#"
    ",bm^dAo`#zx|RUSX^31d!%:/2T)!D_;3ZNPr5L{(KjEB0v'pTf-1+P-~,+B_T8Mcd;c_:0c[CgTRmE}8;LB38$j-IWvWI?,;MyeL"
    "lp,@Z_Tnn-uYhuZ7^?8a-AlX_{$Q22h}R?hA6/HB50GK|UMKAr@36$(_(uhgQxG!tx,4?`N1~66!=47pPCP+sfGE.Q0NYZ%sORYA"
    "5e*cIy++t/CV66=Et#,qn.Fg9|.R|7xSpWo1LSZt#w_}m*$CgXJ!'454f8f72wMSU}[J:iQHPl|Ewd:FyKCJoSNAxrWNF(irFZUV"
    "FundSffkPN~x@J$a_OET6vf;=]yz6$`EPIjw]!W*{!os]vTalD*mN])dXj$S#(aO"
)
SIXTH_DIGESTS = {
    SIXTH_PLAIN: "3bfa643c5c92de1674f5b49580b18ba927dbbb17d6746fba5db297c1c16c457d",
    SIXTH_OF_CLASSES: "126c58c2ed418f30029311a31b0e4a1c7889d187f16e908208a57ed759b277fe",
}
SEVENTH = (
    "7:1x'TqNd3_.JVE54;qHA${w11w#BlDq[p2DY//!5;O}++F!?J?IYm1mgqUo%Gg;;eaJ|ynlS*MKpa3ks5APbw'0,F2Y'j-l:~a="
    "}I_nfO03p860eBl9RSsN}ekT.0Lc_VUyyngXP6]NykBIQMs{W8,Hh~+b|Uq33el}4dXpfEWzxAJbUSX1V,W9^Av+Aq(.5y1H'b*0"
    "a6Qct{5I_sZhfPV(SS?j)y+u`^89$u#mek!3AEv=?]=C3E:-KmxfbA4?ac,-rqq}pU`L1QCxq_KE#LmICw[_#Pr!sKMbn3uQwspc"
    "Xg}anFjAh25=$bMb#$jyZ`iTn@lBD_|S$dl`j`PC69bbz)kxRrhkNQ232?@so^woB+l,V)TYkM$+G)!UKQ`%|un*,YStg_~SQ{O9"
    "wixn|X@%0`%mXW4Yp#4?~-/Aa1_B[$s%iQKVGHY*8}|b==+*|!0yXLdJ^CY*IH`}u}T5okM#()J#%,CpUae~Xfwf{UX3j(R@hFP#"
    ":a#?HtMj!!=QR*49UGaZG7KrsW2~HullIjp);L'?0iiKQq85L7d']8+gt_F*MRXkkJ8`^:qynzlK:^1qNB,Jk8K%Jz|?iS#cdh1i"
    "d(%eAk;~5'w^e3'NT8-4LlPvx|Am*j362?xw,'^dtbVj-A4lATs4DlI*N#m54L.cR-{Fm5@q5CE|9jECrlH);3^Wdmhkjtq,)#!v"
    "_@V59GpG-$zu|/IJG-FZST;v,/.?1m5fJh~|ks3HZ],.4E]:)ZL(|0A$fApI}:lv+;,;(S0xO4LtC`Y1hRCx,!6jb8jS`hL?Qt.:"
    "LXljS.;*!`0EWJ5GZ03Pv|v$i*-NYR_I|KM@[)tAgQ8O4lr^jcJ'1^8!(=$1-eA=UDQ*900K`l/pAJK}xQeSl-Mn6T)w7}BS6EyL"
    "!-lycSvFyQpUp@i:#_tE3eeU^o/+KHZGBvu3Yv3j0b(pPX`F{,Oyb8:F-KmVB09`1UEaMmV8//pIyeMF0a6ajtlfD[6GC}ph^m:A"
    "#|'`hkBwe%Us6_j}VZZ$,.JBe8^GRMl1z'w^2xTS%,-N'yz`u:l.y!HD6x(yJB$jLWV[2dps(3AsiVew-'O+w*P_WWpiTD4`kwcu"
    "{[Y;,jxZZ6'^q:Foh'/d505tS,)0M6Y'A-|d)7x4BN!,$N]K+ba_~+zU2Ic.9x3Jm3GizNM~GJEeT(JDi=d@e==]3(RC(RS6IQzz"
    "VF_xVr393SN2Q:q(!vcW1i!IPE*9..H%OvHRS22SH[$GA=1oz-SxH!E!'5V8(+c/=WzgwVlY('BF`!I!9k=3W?nwm5;#YlmWDeJ:"
    "5:s$%TVOgpblP`-j'EC7t=sy](s[m^%+m~hjY[zZO+}qF__|75a0B;,{V}4}4++Zz,}`f%l;v{fLO:3aj7N%IN$W;tHE2Lk4EY=_"
    "W{zjlp=_x{XxPi9y$pp}Fl90CBJ%SwL^/=$Ab{^HZjpj!`ry/}M8(lg)oj#)tEl5Srie?OzM}S[{T'u+H}bY5k2zKAJYb{zz_hQ#"
    "y)%%fBHLQ[sqe|h0e*^Lh'b*cJLY+Y-%ofa_PUcI/9;|D69P|(:eP1W[n9eVN=#c;KW1gC$C9IBo;_N.fqkfp}6r;U/eZbD}SVNo"
    "SqarL[vRA/lRf?S?cl^xq6J6v#r=}Mh4Z02-P.WD4K9h/Q:+ah~[F-LeF4s?rZ;2BpR(tt0njLrq5jYq8Ipzd)ww5Cq_!M=zob^s"
    "3g2y9S+$cM`+^rWy5L:zi4^niOsF=qXQJpwdCLSmFWQl^ty9{S'}p}K]^.~7_Zn;QHMS$V-)mSF)HFUH6QDeSWAmOuAONJM01|8/"
    "k+2zlJt%{_U$%+LQQiTBRk,RC_zY$g]_jC7G~eT16TV!%1X@lP(CtUL?AzGe_YzSVxA%8xn]P77Ii%'=Y8+q-1Z___?EmMCy7vtc"
    "jfdl[st6%JL_?L9=ji}P/A2]zt?BWM5/JZ4F5s'VyLB?'wqQs+d0?uVVO@l$).pR8g`h}bO*cHqcQRy@'sXdr9X+k-5#ybS$U]jX"
    "01q(M=NI;=UB)D7Vrqk5nQzbNc`y?.1W)`sgPit%d:ORsqg[_4)`c9(lXm`Y?:X0az_aV*(*Iuw`elGk0-BP[5_rc"
)
SEVENTH_DIGEST = "711c96be74cbccff33f9a2d2cd2245e2428f69b588dcf1c11a876dd2deae37b6"
"""Of a guard of six classes, four servers and three settings, two of which follow the load, with hooks and a gate."""
